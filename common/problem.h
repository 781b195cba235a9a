#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Problems: all that is wrong with a configuration, not the first thing only
 *
 * Each says place, what is wrong, and what would be right.
 */

#include "common/def.h"

typedef struct Problem {
        char *file;    /* path, never NULL */
        unsigned line; /* 0 when it concerns the whole file */
        bool warning;  /* the value is taken all the same */
        char *what;    /* what is wrong */
        char *remedy;  /* what would be right; may be empty */
} Problem;

typedef struct Problems {
        Problem *items;
        size_t n_items;
        size_t n_errors; /* those that are not warnings */
} Problems;

void problems_done(Problems *p);

/* Adds a problem; text beyond 1 KiB is cut. @remedy may be NULL. Return: 0 or -ENOMEM */
int problems_add(Problems *p, const char *file, unsigned line, bool warning, const char *remedy, const char *what_format, ...) _printf_(6, 7)
        _must_check_;

/* "file:line: what; remedy" (":line" left out when 0). Owned by the caller; NULL without memory. */
char *problem_to_string(const Problem *p);
