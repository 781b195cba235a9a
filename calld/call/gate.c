/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/gate.h"

static void list_add(GateList *list, GateTicket *t) {
        t->previous = list->last;
        t->next = NULL;
        *(t->previous ? &t->previous->next : &list->first) = t;
        list->last = t;
}

static void list_remove(GateList *list, GateTicket *t) {
        *(t->previous ? &t->previous->next : &list->first) = t->next;
        *(t->next ? &t->next->previous : &list->last) = t->previous;
}

static void let_in(Gate *g, GateTicket *t) {
        t->gate = g;
        t->since_usec = now_usec();
        if (*t->is_slow) {
                t->state = GATE_UNCOUNTED;
                return;
        }

        t->state = GATE_COUNTED;
        list_add(&g->counted, t);
        g->n_counted++;
        if (g->counted.first == t)
                lazy_timer_set(&g->timer, t->since_usec + GATE_SLOW_USEC);
}

static void take_out(Gate *g, GateTicket *t) {
        if (t->state == GATE_WAITING)
                list_remove(&g->waiting, t);
        if (t->state == GATE_COUNTED) {
                list_remove(&g->counted, t);
                g->n_counted--;
        }
        t->state = GATE_OUT;
}

/* Those whose turn it is. */
static void go_on(Gate *g) {
        GateTicket *next;

        for (GateTicket *t = g->waiting.first; t; t = next) {
                next = t->next;
                if (g->n_counted >= GATE_MAX && !*t->is_slow)
                        continue;
                take_out(g, t);
                let_in(g, t);
                t->on_turn(t->userdata);
        }
        lazy_timer_set(&g->timer, g->counted.first ? g->counted.first->since_usec + GATE_SLOW_USEC : USEC_INFINITY);
}

static void on_slow(void *userdata) {
        Gate *g = userdata;
        uint64_t now = now_usec();

        while (g->counted.first && g->counted.first->since_usec + GATE_SLOW_USEC <= now) {
                GateTicket *t = g->counted.first;

                *t->is_slow = true;
                take_out(g, t);
                t->state = GATE_UNCOUNTED;
        }
        go_on(g);
}

int gate_init(Gate *g, sd_event *loop) {
        *g = (Gate) {};
        return lazy_timer_init(&g->timer, loop, USEC_PER_MSEC, on_slow, g);
}

void gate_done(Gate *g) {
        ASSERT(!g->waiting.first && !g->counted.first);
        lazy_timer_done(&g->timer);
}

bool gate_enter(Gate *g, GateTicket *t) {
        if (t->state == GATE_OUT && g->n_counted >= GATE_MAX && !*t->is_slow) {
                t->gate = g;
                t->state = GATE_WAITING;
                list_add(&g->waiting, t);
        }
        if (t->state == GATE_OUT)
                let_in(g, t);
        return t->state != GATE_WAITING;
}

void gate_force(Gate *g, GateTicket *t) {
        if (gate_enter(g, t))
                return;

        take_out(g, t);
        let_in(g, t);
        t->on_turn(t->userdata);
}

void gate_leave(GateTicket *t, bool well) {
        Gate *g = t->gate;

        if (t->state == GATE_OUT)
                return;

        if (well && now_usec() - t->since_usec < GATE_SLOW_USEC)
                *t->is_slow = false;
        take_out(g, t);
        go_on(g);
}
