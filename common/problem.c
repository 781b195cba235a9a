/* SPDX-License-Identifier: Apache-2.0 */

#include "common/problem.h"

#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 1024U

static void problem_done(Problem *p) {
        free(p->file);
        free(p->what);
        free(p->remedy);
        *p = (Problem) {};
}

void problems_done(Problems *p) {
        if (!p)
                return;

        for (size_t i = 0; i < p->n_items; i++)
                problem_done(&p->items[i]);
        free(p->items);
        *p = (Problems) {};
}

/* Grows by one; a list of problems is short, so copying it each time costs nothing. */
static int append(Problems *p, Problem *item) {
        Problem *items = calloc(p->n_items + 1, sizeof(*items));

        if (!items)
                return -ENOMEM;
        if (p->n_items > 0)
                memcpy(items, p->items, p->n_items * sizeof(*items));

        free(p->items);
        p->items = items;
        p->items[p->n_items++] = *item;
        p->n_errors += !item->warning;
        *item = (Problem) {};
        return 0;
}

int problems_add(Problems *p, const char *file, unsigned line, bool warning, const char *remedy, const char *what_format, ...) {
        _cleanup_(problem_done) Problem item = {.line = line, .warning = warning};
        char what[TEXT_MAX];
        va_list ap;

        va_start(ap, what_format);
        vsnprintf(what, sizeof(what), what_format, ap);
        va_end(ap);

        item.file = strdup(file);
        item.what = strdup(what);
        item.remedy = strndup(remedy ? remedy : "", TEXT_MAX);
        if (!item.file || !item.what || !item.remedy)
                return -ENOMEM;

        return append(p, &item);
}

char *problem_to_string(const Problem *p) {
        const char *separator = p->remedy[0] ? "; " : "";
        char *s = NULL;
        int n;

        if (p->line > 0)
                n = asprintf(&s, "%s:%u: %s%s%s", p->file, p->line, p->what, separator, p->remedy);
        else
                n = asprintf(&s, "%s: %s%s%s", p->file, p->what, separator, p->remedy);

        return n < 0 ? NULL : s;
}
