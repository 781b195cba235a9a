/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/turn.h"

/* Items in one turn; then other events have theirs. */
#define TURN_ITEMS_MAX 256U

struct Turn {
        TurnItem *first, *last;
        sd_event_source *defer; /* enabled when something is queued outside a turn */
        bool under_way;
};

static int on_defer(sd_event_source *source, void *userdata) {
        (void) source;
        turn_begin(userdata);
        turn_end(userdata);
        return 0;
}

int turn_new(sd_event *loop, Turn **ret) {
        _cleanup_(turn_freep) Turn *t = NULL;
        int r;

        t = calloc(1, sizeof(*t));
        if (!t)
                return -ENOMEM;

        r = sd_event_add_defer(loop, &t->defer, on_defer, t);
        if (r >= 0)
                r = sd_event_source_set_enabled(t->defer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(t);
        return 0;
}

Turn *turn_free(Turn *t) {
        if (!t)
                return NULL;

        ASSERT(!t->first);
        sd_event_source_disable_unref(t->defer);
        free(t);
        return NULL;
}

void turn_add(Turn *t, TurnItem *item) {
        if (item->queued)
                return;

        item->queued = true;
        item->next = NULL;
        if (t->last)
                t->last->next = item;
        else
                t->first = item;
        t->last = item;
        if (!t->under_way)
                sd_event_source_set_enabled(t->defer, SD_EVENT_ONESHOT);
}

void turn_remove(Turn *t, TurnItem *item) {
        TurnItem *previous = NULL;

        if (!item->queued)
                return;

        for (TurnItem *i = t->first; i != item; i = i->next)
                previous = i;
        if (previous)
                previous->next = item->next;
        else
                t->first = item->next;
        if (t->last == item)
                t->last = previous;
        item->queued = false;
}

void turn_begin(Turn *t) {
        ASSERT(!t->under_way);
        t->under_way = true;
}

void turn_end(Turn *t) {
        for (unsigned i = 0; t->first && i < TURN_ITEMS_MAX; i++) {
                TurnItem *item = t->first;

                turn_remove(t, item);
                item->run(item->userdata);
        }

        t->under_way = false;
        if (t->first)
                sd_event_source_set_enabled(t->defer, SD_EVENT_ONESHOT);
}
