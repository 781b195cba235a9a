#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

#include "common/def.h"

#define PASSWORD_MAX 1024U

/*
 * Asks on the terminal that is standard input, without echo. @ret has room for PASSWORD_MAX and gets the line with its newline; the
 * caller wipes it. A signal that would end or stop the process does so with the terminal as it was.
 *
 * Return: the size, or -errno; -ECANCELED at the end of the input
 */
ssize_t password_ask(const char *prompt, char *ret) _must_check_;
