#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One run of a program: its own process group, two pipes, a deadline behind which it is killed with all that it started */

#include "keyd/runner/provider.h"

enum {
        _RUN_E_SUCCESS,
        RUN_E_LATE,  /* it was killed at the deadline */
        RUN_E_LARGE, /* it wrote more than it may, and was killed */
};

/* Only root can change what is run. Return: 0; 1 with *ret_failure filled */
int run_check_program(const char *path, FetchAnswer *ret_failure) _must_check_;

/* @arguments: NULL-terminated, the first is the program's path. Return: 0 with *ret, RUN_E_*, -errno */
int run_program(char *const *arguments, uint64_t deadline_usec, ProviderResult *ret) _must_check_;

void provider_result_done(ProviderResult *r);
