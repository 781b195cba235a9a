#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What calld may still ask of the kernel once it serves: its sockets, memory, time. All its threads are there by then. */

#include "common/def.h"

/* Return: 0 or -errno */
int confine_calld(void) _must_check_;
