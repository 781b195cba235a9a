/* SPDX-License-Identifier: Apache-2.0 */

#include "common/generations.h"

void generations_done(Generations *g) {
        free(g->items);
        *g = (Generations) {};
}

static Generation *find(const Generations *g, Span profile) {
        for (size_t i = 0; i < g->n_items; i++)
                if (span_is(profile, g->items[i].profile))
                        return &g->items[i];

        return NULL;
}

static Generation *forget_oldest(Generations *g) {
        Generation *oldest = &g->items[0];

        for (size_t i = 1; i < g->n_items; i++)
                if (g->items[i].noted < oldest->noted)
                        oldest = &g->items[i];

        g->forgotten = MAX_OF(g->forgotten, oldest->last);
        return oldest;
}

static int add(Generations *g, Span profile, Generation **ret) {
        Generation *i;

        ASSERT(profile.size <= PROTO_NAME_MAX);

        if (!g->items) {
                g->items = calloc(GENERATIONS_MAX, sizeof(*g->items));
                if (!g->items)
                        return -ENOMEM;
        }

        i = g->n_items < GENERATIONS_MAX ? &g->items[g->n_items++] : forget_oldest(g);
        *i = (Generation) {};
        memcpy(i->profile, profile.data, profile.size);
        *ret = i;
        return 0;
}

int generations_note(Generations *g, Span profile, uint64_t generation) {
        Generation *i = find(g, profile);
        int r;

        if (!i) {
                r = add(g, profile, &i);
                if (r < 0)
                        return r;
        }

        i->last = MAX_OF(i->last, generation);
        i->noted = ++g->n_noted;
        return 0;
}

uint64_t generations_last(const Generations *g, Span profile) {
        const Generation *i = find(g, profile);

        return i ? i->last : g->forgotten;
}
