#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What calld may still ask of the kernel once it serves: its sockets, memory, time. All its threads are there by then. */

#include "common/def.h"

/*
 * Landlock first, while there is one thread; then the filter, when all are there. In between they are made.
 *
 * @ret_text: as landlock_confine(). Return: 0 or -errno
 */
int confine_calld_files(char *ret_text) _must_check_;
int confine_calld(void) _must_check_;
