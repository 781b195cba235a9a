#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * How many TLS handshakes a loop has under way
 *
 * A handshake is work of this thread. When many calls want a new connection at once, as after a restart of the far server, each would have a little of
 * it and all of them would end late; so some go on and the rest wait their turn, in order. A far server that is silent is no work: one that has
 * let a handshake wait for long counts no more, nor do others with it, so that it holds up nobody else.
 *
 * Whoever has waited for 200 ms goes on all the same: libcurl then looks at the socket by itself, as its second address might be better.
 */

#include <systemd/sd-event.h>

#include "calld/call/lazy-timer.h"

#define GATE_MAX 8U
#define GATE_SLOW_USEC USEC_PER_SEC

typedef enum GateState {
        GATE_OUT,
        GATE_WAITING,
        GATE_COUNTED,
        GATE_UNCOUNTED, /* the far server is known to be slow */
} GateState;

typedef struct Gate Gate;
typedef struct GateTicket GateTicket;

/* Embedded in what it is for; zeros but for the first three. */
struct GateTicket {
        void (*on_turn)(void *userdata); /* it need wait no longer */
        void *userdata;
        bool *is_slow; /* of the far server; outlives the ticket */
        Gate *gate;
        GateState state;
        uint64_t since_usec; /* inside */
        GateTicket *previous, *next;
};

typedef struct GateList {
        GateTicket *first, *last;
} GateList;

struct Gate {
        LazyTimer timer; /* for the first of those counted */
        unsigned n_counted;
        GateList waiting, counted; /* in the order they came */
};

/* In place. Return: 0 or -errno, then nothing is to be freed */
int gate_init(Gate *g, sd_event *loop) _must_check_;

/* Takes zeros. No ticket is left in it. */
void gate_done(Gate *g);

/* Return: whether the handshake may begin; otherwise on_turn() is called when it may. The same ticket again: the same answer. */
bool gate_enter(Gate *g, GateTicket *t);

/* It has begun, whatever the gate said; on_turn() is called if it was waiting. */
void gate_force(Gate *g, GateTicket *t);

/* It has ended, well or not, or is not wanted any more; twice does no harm. */
void gate_leave(GateTicket *t, bool well);
