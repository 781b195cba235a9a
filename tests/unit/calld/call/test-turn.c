/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/call/turn.h"

typedef struct Work {
        TurnItem item;
        Turn *turn;
        unsigned n_runs;
        unsigned n_again; /* times that it adds itself */
} Work;

static void run(void *userdata) {
        Work *w = userdata;

        w->n_runs++;
        if (w->n_again > 0) {
                w->n_again--;
                turn_add(w->turn, &w->item);
        }
}

static Work work(Turn *t) {
        return (Work) {.item = {.run = run}, .turn = t};
}

static void add(Work *w) {
        w->item.userdata = w;
        turn_add(w->turn, &w->item);
}

static void test_within(void **state) {
        sd_event *loop = NULL;
        Turn *t = NULL;
        Work a, b;

        (void) state;
        assert_true(sd_event_new(&loop) >= 0);
        assert_int_equal(turn_new(loop, &t), 0);
        a = work(t);
        b = work(t);
        b.n_again = 2;

        turn_begin(t);
        add(&a);
        add(&a);
        add(&b);
        assert_int_equal(a.n_runs + b.n_runs, 0);
        turn_end(t);
        assert_int_equal(a.n_runs, 1);
        assert_int_equal(b.n_runs, 3);

        /* nothing is left for the loop */
        assert_int_equal(sd_event_run(loop, 0), 0);
        turn_free(t);
        sd_event_unref(loop);
}

static void test_outside(void **state) {
        sd_event *loop = NULL;
        Turn *t = NULL;
        Work a, b, c;

        (void) state;
        assert_true(sd_event_new(&loop) >= 0);
        assert_int_equal(turn_new(loop, &t), 0);
        a = work(t);
        b = work(t);
        c = work(t);

        add(&a);
        add(&b);
        add(&c);
        turn_remove(t, &b.item);
        turn_remove(t, &b.item);
        assert_int_equal(a.n_runs + b.n_runs + c.n_runs, 0);
        assert_int_equal(sd_event_run(loop, 0), 1);
        assert_int_equal(a.n_runs, 1);
        assert_int_equal(b.n_runs, 0);
        assert_int_equal(c.n_runs, 1);

        add(&a);
        turn_remove(t, &a.item);
        turn_free(t);
        sd_event_unref(loop);
}

/* Work without an end leaves the other events of the loop their turn. */
static void test_endless(void **state) {
        sd_event *loop = NULL;
        Turn *t = NULL;
        Work a;

        (void) state;
        assert_true(sd_event_new(&loop) >= 0);
        assert_int_equal(turn_new(loop, &t), 0);
        a = work(t);
        a.n_again = 1000;

        add(&a);
        assert_int_equal(sd_event_run(loop, 0), 1);
        assert_in_range(a.n_runs, 1, 999);
        for (unsigned i = 0; i < 1001 && a.n_again > 0; i++)
                assert_int_equal(sd_event_run(loop, 0), 1);
        ignore_result(sd_event_run(loop, 0), "the last one may have run already");
        assert_int_equal(a.n_runs, 1001);
        turn_free(t);
        sd_event_unref(loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_within),
                cmocka_unit_test(test_outside),
                cmocka_unit_test(test_endless),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
