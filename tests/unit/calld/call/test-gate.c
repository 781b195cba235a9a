/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/call/gate.h"

#define N_CALLS 20U

typedef struct Bench {
        sd_event *loop;
        Gate gate;
        struct {
                GateTicket ticket;
                unsigned turns;
        } calls[N_CALLS];
        bool slow, other_slow; /* two far servers */
} Bench;

static void on_turn(void *userdata) {
        unsigned *turns = userdata;

        (*turns)++;
}

static int setup(void **state) {
        Bench *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        assert_true(sd_event_new(&b->loop) >= 0);
        assert_int_equal(gate_init(&b->gate, b->loop), 0);
        for (unsigned i = 0; i < N_CALLS; i++)
                b->calls[i].ticket = (GateTicket) {.on_turn = on_turn, .userdata = &b->calls[i].turns, .is_slow = &b->slow};
        *state = b;
        return 0;
}

static int teardown(void **state) {
        Bench *b = *state;

        gate_done(&b->gate);
        sd_event_unref(b->loop);
        free(b);
        return 0;
}

/* Return: how many may begin */
static unsigned enter(Bench *b, unsigned from, unsigned to) {
        unsigned n = 0;

        for (unsigned i = from; i < to; i++)
                n += gate_enter(&b->gate, &b->calls[i].ticket);
        return n;
}

static unsigned turns(const Bench *b) {
        unsigned n = 0;

        for (unsigned i = 0; i < N_CALLS; i++)
                n += b->calls[i].turns;
        return n;
}

static void leave(Bench *b, unsigned from, unsigned to) {
        for (unsigned i = from; i < to; i++)
                gate_leave(&b->calls[i].ticket, true);
}

static void test_in_order(void **state) {
        Bench *b = *state;

        assert_int_equal(enter(b, 0, N_CALLS), GATE_MAX);
        assert_int_equal(enter(b, 0, N_CALLS), GATE_MAX); /* the same answers */
        assert_int_equal(turns(b), 0);

        for (unsigned i = 0; i < N_CALLS - GATE_MAX; i++) {
                gate_leave(&b->calls[i].ticket, true);
                gate_leave(&b->calls[i].ticket, true);
                assert_int_equal(b->calls[GATE_MAX + i].turns, 1);
                assert_int_equal(turns(b), i + 1);
        }
        leave(b, 0, N_CALLS);
        assert_int_equal(turns(b), N_CALLS - GATE_MAX);
        assert_int_equal(enter(b, 0, N_CALLS), GATE_MAX);
        leave(b, 0, N_CALLS);
}

/* Whoever gives up while it waits takes nobody's turn. */
static void test_given_up(void **state) {
        Bench *b = *state;

        enter(b, 0, N_CALLS);
        gate_leave(&b->calls[GATE_MAX].ticket, false);
        gate_leave(&b->calls[0].ticket, true);
        assert_int_equal(b->calls[GATE_MAX].turns, 0);
        assert_int_equal(b->calls[GATE_MAX + 1].turns, 1);
        leave(b, GATE_MAX + 2, N_CALLS); /* from the front of the queue and from its end */
        leave(b, 0, N_CALLS);
        assert_int_equal(turns(b), 1);
}

/* One that began without asking counts too. */
static void test_forced(void **state) {
        Bench *b = *state;

        enter(b, 0, GATE_MAX + 2);
        gate_force(&b->gate, &b->calls[GATE_MAX].ticket);
        gate_force(&b->gate, &b->calls[GATE_MAX].ticket);
        assert_int_equal(b->calls[GATE_MAX].turns, 1);
        gate_leave(&b->calls[0].ticket, true);
        assert_int_equal(turns(b), 1);
        gate_leave(&b->calls[1].ticket, true);
        assert_int_equal(b->calls[GATE_MAX + 1].turns, 1);
        leave(b, 0, N_CALLS);
}

/* A far server that is silent holds up others for a while, and then nobody. */
static void test_slow(void **state) {
        Bench *b = *state;

        for (unsigned i = GATE_MAX + 2; i < N_CALLS; i++)
                b->calls[i].ticket.is_slow = &b->other_slow;
        assert_int_equal(enter(b, 0, N_CALLS - 1), GATE_MAX);
        while (!b->slow)
                assert_true(sd_event_run(b->loop, UINT64_MAX) >= 0);
        assert_int_equal(turns(b), 2 + GATE_MAX); /* the rest of its own, uncounted, and the others' share */
        assert_false(b->other_slow);
        assert_false(gate_enter(&b->gate, &b->calls[N_CALLS - 1].ticket));

        /* one that ends late says nothing, one that ends soon does */
        gate_leave(&b->calls[0].ticket, true);
        assert_true(b->slow);
        assert_true(gate_enter(&b->gate, &b->calls[0].ticket));
        gate_leave(&b->calls[0].ticket, false);
        assert_true(b->slow);
        assert_true(gate_enter(&b->gate, &b->calls[0].ticket));
        gate_leave(&b->calls[0].ticket, true);
        assert_false(b->slow);
        leave(b, 0, N_CALLS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_given_up, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forced, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slow, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
