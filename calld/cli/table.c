/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/table.h"

#include <string.h>

#define COLUMNS_MAX 16U
/* No column is cut below this. */
#define WIDTH_MIN 8U
#define GAP 2U

typedef struct Cell {
        char *text;
        Tint tint;
} Cell;

struct Table {
        const char *const *titles;
        size_t n_columns;
        Cell *cells;
        size_t n_cells, n_allocated;
};

Table *table_new(const char *const *titles, size_t n_columns) {
        Table *t;

        ASSERT(n_columns > 0 && n_columns <= COLUMNS_MAX);
        t = calloc(1, sizeof(*t));
        if (t)
                *t = (Table) {.titles = titles, .n_columns = n_columns};
        return t;
}

Table *table_free(Table *t) {
        if (!t)
                return NULL;

        for (size_t i = 0; i < t->n_cells; i++)
                free(t->cells[i].text);
        free(t->cells);
        free(t);
        return NULL;
}

static int grow(Table *t) {
        size_t n = t->n_allocated ? t->n_allocated * 2 : 64;
        Cell *cells = calloc(n, sizeof(*cells));

        if (!cells)
                return -ENOMEM;
        if (t->n_cells > 0)
                memcpy(cells, t->cells, t->n_cells * sizeof(*cells));

        free(t->cells);
        t->cells = cells;
        t->n_allocated = n;
        return 0;
}

int table_add(Table *t, const char *text, Tint tint) {
        char *escaped;

        if (t->n_cells == t->n_allocated && grow(t) < 0)
                return -ENOMEM;

        escaped = text_escape(text && *text ? text : "-");
        if (!escaped)
                return -ENOMEM;

        t->cells[t->n_cells++] = (Cell) {.text = escaped, .tint = tint};
        return 0;
}

const char *tint_begin(Tint tint, bool color) {
        static const char *const codes[_TINT_MAX] = {"", "\x1b[32m", "\x1b[33m", "\x1b[1;31m", "\x1b[2m"};

        return color ? codes[tint] : "";
}

const char *tint_end(Tint tint, bool color) {
        return color && tint != TINT_NONE ? "\x1b[0m" : "";
}

static void measure(const Table *t, const TableStyle *style, size_t widths[COLUMNS_MAX]) {
        for (size_t c = 0; c < t->n_columns; c++)
                widths[c] = style->legend ? text_width(t->titles[c]) : 1;

        for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
                for (size_t c = 0; c < t->n_columns; c++)
                        widths[c] = MAX_OF(widths[c], text_width(t->cells[i + c].text));
}

/* Takes from the widest column until the row fits. */
static void shrink(const Table *t, size_t max, size_t widths[COLUMNS_MAX]) {
        for (;;) {
                size_t total = GAP * (t->n_columns - 1), widest = 0;

                for (size_t c = 0; c < t->n_columns; c++) {
                        total += widths[c];
                        if (widths[c] > widths[widest])
                                widest = c;
                }
                if (total <= max || widths[widest] <= WIDTH_MIN)
                        return;
                widths[widest]--;
        }
}

/* The last column is not padded: no line ends with blanks. */
static void print_cell(FILE *f, const char *text, Tint tint, bool color, size_t width, bool last) {
        size_t used = text_width(text);

        fprintf(f, "%s%s%s", tint_begin(tint, color), text, tint_end(tint, color));
        if (last)
                fputc('\n', f);
        else
                fprintf(f, "%*s", (int) (GAP + (used < width ? width - used : 0)), "");
}

void table_print(Table *t, FILE *f, const TableStyle *style) {
        size_t widths[COLUMNS_MAX];

        measure(t, style, widths);
        if (style->width > 0)
                shrink(t, style->width, widths);

        for (size_t c = 0; style->legend && c < t->n_columns; c++)
                print_cell(f, t->titles[c], TINT_FAINT, style->color, widths[c], c + 1 == t->n_columns);

        for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
                for (size_t c = 0; c < t->n_columns; c++) {
                        Cell *cell = &t->cells[i + c];

                        if (style->width > 0)
                                text_ellipsize(cell->text, widths[c]);
                        print_cell(f, cell->text, cell->tint, style->color, widths[c], c + 1 == t->n_columns);
                }
}
