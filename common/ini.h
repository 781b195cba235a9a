#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * INI files as systemd writes them, with a table of rows
 *
 * `[Section]`, `Key=Value`; blanks around key and value are dropped; a line that begins with # or ; is a comment and nothing else
 * is (a password may hold " ;"); a line that ends with a backslash goes on in the next one. Lines up to 64 KiB, files up to 1 MiB.
 * Why not inih: Debian's build cuts lines at 200 bytes silently and takes " ;" in a value for a comment.
 */

#include "common/problem.h"

typedef struct IniContext {
        const char *file; /* for messages */
        unsigned line;    /* of this key */
        const char *section;
        const char *key;
        const char *value;  /* NUL-terminated, wiped after the call */
        Problems *problems; /* a parser adds what is wrong here */
        void *userdata;     /* as given to ini_parse */
} IniContext;

/*
 * Parses one value into @target (userdata + the row's offset). A bad value is added to c->problems and 0 returned;
 * a negative errno ends the reading.
 */
typedef int (*IniParser)(const IniContext *c, void *target);

typedef struct IniRow {
        const char *section;
        const char *key; /* NULL: any key of this section (for [Headers]) */
        IniParser parser;
        size_t offset;
} IniRow;

/*
 * Parses text that was read from @file. Unknown sections and keys, duplicates (unless the row's key is NULL) and lines that are
 * no assignment are problems; the rest is parsed all the same. @text holds no NUL.
 *
 * Return: 0 (also with problems), or -errno for our own failure
 */
int ini_parse(const char *file, char *text, const IniRow *rows, size_t n_rows, Problems *problems, void *userdata) _must_check_;

/* Ready-made parsers. Targets: char **, bool *, uint16_t *, uint64_t * (bytes), uint64_t * (microseconds). */
int ini_parser_string(const IniContext *c, void *target);
int ini_parser_bool(const IniContext *c, void *target);
int ini_parser_port(const IniContext *c, void *target);
int ini_parser_size(const IniContext *c, void *target);
int ini_parser_timespan(const IniContext *c, void *target);
int ini_parser_uint32(const IniContext *c, void *target);

/* Target: char *** — a NULL-terminated array of words that blanks part; strv_free() frees it. */
int ini_parser_words(const IniContext *c, void *target);

void strv_free(char **v);
size_t strv_length(char *const *v);
