#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The command line of calld */

#include "common/daemon.h"
#include "common/log.h"

typedef struct CalldOptions {
        const char *keyd_socket;
        LogTarget log;
        bool check;
        bool sandbox_off;
} CalldOptions;

enum {
        _OPTIONS_E_SUCCESS,
        OPTIONS_E_DONE,  /* --help or --version was answered: exit with 0 */
        OPTIONS_E_USAGE, /* wrong; said on standard error: exit with 2 */
};

/* Return: 0, OPTIONS_E_DONE, OPTIONS_E_USAGE. Texts are borrowed from @argv. */
int calld_options_parse(int argc, char **argv, CalldOptions *ret) _must_check_;
