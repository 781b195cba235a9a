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

/* The list is moved when its length reaches a power of two: there is no room beyond it. */
static int grow(Problems *p) {
        size_t n = p->n_items;
        Problem *items;

        if ((n & (n - 1)) != 0)
                return 0;
        items = calloc(n == 0 ? 1 : 2 * n, sizeof(*items));
        if (!items)
                return -ENOMEM;
        if (n > 0)
                memcpy(items, p->items, n * sizeof(*items));

        free(p->items);
        p->items = items;
        return 0;
}

static int append(Problems *p, Problem *item) {
        int r = grow(p);

        if (r < 0)
                return r;
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
