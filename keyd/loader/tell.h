#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the loader says to the supervisor while it works */

#include "common/def.h"

#define TELL_PROGRESS_MAX 5U /* of one profile: when it is read, and two around each of two waits for the vault */

/*
 * Whose files are read from now on, so that the supervisor knows whose cost us our life, or too much time. @profile: "" for nobody's: behind the
 * last one, and while the vault is waited for
 *
 * Return: 0 or -errno (logged)
 */
int tell_progress(int fd, const char *profile) _must_check_;
