/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/call/lazy-timer.h"

#define SOON (20 * USEC_PER_MSEC)
#define LATER (80 * USEC_PER_MSEC)

static void on_deadline(void *userdata) {
        *(uint64_t *) userdata = now_usec();
}

static sd_event *begin(LazyTimer *t, uint64_t *fired) {
        sd_event *loop = NULL;

        *fired = 0;
        assert_true(sd_event_new(&loop) >= 0);
        assert_int_equal(lazy_timer_init(t, loop, 1, on_deadline, fired), 0);
        return loop;
}

static void end(LazyTimer *t, sd_event *loop) {
        lazy_timer_done(t);
        lazy_timer_done(t);
        sd_event_unref(loop);
}

/* Runs the loop until @fired, or for a second. */
static void run(sd_event *loop, const uint64_t *fired) {
        uint64_t deadline = deadline_after(USEC_PER_SEC);

        while (*fired == 0 && now_usec() < deadline)
                assert_true(sd_event_run(loop, 10 * USEC_PER_MSEC) >= 0);
}

static void test_fires_once(void **state) {
        uint64_t fired, deadline;
        LazyTimer t;
        sd_event *loop = begin(&t, &fired);

        (void) state;
        deadline = deadline_after(SOON);
        lazy_timer_set(&t, deadline);
        run(loop, &fired);
        assert_true(fired >= deadline);

        fired = 0;
        assert_int_equal(sd_event_run(loop, SOON), 0);
        assert_int_equal(fired, 0);
        end(&t, loop);
}

/* Moved to later and to earlier: the last word counts. */
static void test_moves(void **state) {
        uint64_t fired, deadline;
        LazyTimer t;
        sd_event *loop = begin(&t, &fired);

        (void) state;
        lazy_timer_set(&t, deadline_after(SOON));
        deadline = deadline_after(LATER);
        lazy_timer_set(&t, deadline);
        run(loop, &fired);
        assert_true(fired >= deadline);

        fired = 0;
        lazy_timer_set(&t, deadline_after(3600 * USEC_PER_SEC));
        deadline = deadline_after(SOON);
        lazy_timer_set(&t, deadline);
        run(loop, &fired);
        assert_true(fired >= deadline);
        end(&t, loop);
}

static void test_ends(void **state) {
        uint64_t fired;
        LazyTimer t;
        sd_event *loop = begin(&t, &fired);

        (void) state;
        lazy_timer_set(&t, deadline_after(SOON));
        lazy_timer_set(&t, USEC_INFINITY);
        for (unsigned i = 0; i < 5; i++)
                assert_true(sd_event_run(loop, SOON) >= 0);
        assert_int_equal(fired, 0);
        end(&t, loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fires_once),
                cmocka_unit_test(test_moves),
                cmocka_unit_test(test_ends),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
