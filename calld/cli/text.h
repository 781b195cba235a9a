#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Text for a terminal: what came from servers and files is never printed as it is
 *
 * Uses LC_CTYPE, which main() sets.
 */

#include "common/def.h"

/* A copy in which control characters, what cannot be printed and broken UTF-8 read \n, \t or \xNN. NULL: no memory */
char *text_escape(const char *s);

/* Columns on a terminal; @s is what text_escape() made. */
size_t text_width(const char *s);

/* Cuts @s to @width columns (at least 1), with an ellipsis where something was cut. */
void text_ellipsize(char *s, size_t width);

/* @usec in words of two units at most: "3d 4h", "90ms". @ret has room for 32. */
void text_format_span(uint64_t usec, char ret[32]);

/* The seconds since 1970 of an RFC 3339 UTC time. Return: 0 or -EINVAL (also for NULL) */
int text_parse_time(const char *rfc3339, time_t *ret) _must_check_;

/* An RFC 3339 UTC time as "in 12 days (2026-12-06)" or "3 hours ago (...)"; "-" for NULL. @ret has room for 64. */
void text_format_expiry(const char *rfc3339, time_t now, char ret[64]);

/* Decodes %XX in place; what is not %XX stays. */
void text_percent_decode(char *s);

/* Prints escaped text. */
void text_print(FILE *f, const char *s);
