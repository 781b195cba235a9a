#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Table: aligned columns for people
 *
 * Cells are copied and escaped when they are added, so that no control character reaches the terminal.
 */

#include "calld/cli/text.h"

typedef enum Tint {
        TINT_NONE = 0,
        TINT_GOOD,
        TINT_WARNING,
        TINT_BAD,
        TINT_FAINT,
        _TINT_MAX,
} Tint;

typedef struct TableStyle {
        bool legend; /* headings */
        bool color;
        size_t width; /* of the terminal; 0: nothing is cut */
} TableStyle;

typedef struct Table Table;

/* @titles must live as long as the table. NULL: no memory */
Table *table_new(const char *const *titles, size_t n_columns);
Table *table_free(Table *t);
DEFINE_CLEANUP(Table *, table_free)

/* Adds the next cell, row by row; NULL and "" are shown as "-". Return: 0 or -ENOMEM */
int table_add(Table *t, const char *text, Tint tint) _must_check_;

/* Prints the complete rows. */
void table_print(Table *t, FILE *f, const TableStyle *style);

/* What starts and ends a tint, "" without colour. */
const char *tint_begin(Tint tint, bool color);
const char *tint_end(Tint tint, bool color);
