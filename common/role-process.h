#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the lasting roles of keyd (verifier, signer) have in common as processes: command line, confinement, the word READY */

#include "common/log.h"

typedef struct RoleOptions {
        LogTarget log;
        bool sandbox_off;
} RoleOptions;

/* --log=, --sandbox=off. Return: 0, or 1 for a mistake, which has been said on standard error */
int role_options_parse(int argc, char **argv, RoleOptions *ret) _must_check_;

/* log_open(), with the journal's socket where the supervisor gave one. */
void role_open_log(const char *identifier, LogTarget target);

/*
 * Before: all is prepared, nothing was read from a peer. After: what was reached is in the journal, the filter holds, and the supervisor knows it.
 *
 * @title: "Signer"; @text: what the role has reached beside the filter, may be ""; @is_weak: less than it should have
 * Return: 0 or -errno (logged)
 */
int role_confine(const char *title, const char *text, bool is_weak, bool sandbox_off) _must_check_;

/* The filter alone, as role_confine() installs it. Return: 0 or -errno */
int role_install_filter(void) _must_check_;
