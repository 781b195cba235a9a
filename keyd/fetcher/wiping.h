#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Memory that is wiped when it is freed, for all that libcurl, libcrypto and jansson allocate
 *
 * A value passes through their buffers before it lies in a Secret.
 */

#include "common/def.h"

/* Before: none of the three has allocated anything. After: libcurl is ready, jansson has its seed. Return: 0 or -ENOMEM */
int wiping_install(void) _must_check_;
