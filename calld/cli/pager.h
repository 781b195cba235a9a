#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What is longer than the terminal goes through a pager: $SYSTEMD_PAGER, $PAGER, or less
 *
 * Only on a terminal, for people (no JSON), and for verbs that list something. An empty one, or cat, means none.
 */

#include "calld/cli/options.h"

/* From now on standard output is the pager's input, if there is to be one. */
void pager_open(const Options *o);

/* Whether what is printed ends on a terminal, with or without a pager. */
bool pager_is_terminal(void);

/* The columns of that terminal; 0: not known, or none. */
size_t pager_width(void);

/* After standard output was closed: until its reader has seen enough. Return: whether there was a pager */
bool pager_wait(void);
