#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * keyd's executable, which reads configuration and keystores for `midtls check` and `midtls inspect`
 *
 * It lies in libexec; in a build tree, beside calld's folder. The environment is not asked.
 */

#include <sys/types.h>

#include "common/buf.h"

/* Owned by the caller. NULL: not found, or no memory (the user has been told) */
char *keyd_find(void);

/* Becomes keyd. @argv[0] is set here, the last is NULL. Return: the exit status when that failed (the user has been told) */
int keyd_exec(const char **argv);

/*
 * Runs keyd with @input on its standard input (-1: ours) and collects its standard output.
 *
 * Return: 0, or the exit status (the user has been told). *ret_status: keyd's own exit status
 */
int keyd_run(const char **argv, int input, Buf *output, int *ret_status) _must_check_;
