#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How far a long upload or download is, on standard error when that is a terminal
 *
 * Nothing is shown before a second has passed, and nothing is left behind.
 */

#include "common/def.h"

typedef struct Progress {
        const char *what; /* "sent" */
        uint64_t total;   /* 0: not known */
        uint64_t done;
        uint64_t started_usec, shown_usec;
        bool on;
} Progress;

/* @on: whether it is wanted at all, besides the terminal. @what is static. */
void progress_init(Progress *p, bool on, const char *what, uint64_t total);
void progress_add(Progress *p, size_t n_bytes);

/* Takes away what was shown. */
void progress_end(Progress *p);

/* The line for @now_usec, without its control characters. */
void progress_format(const Progress *p, uint64_t now_usec, char ret[96]);
