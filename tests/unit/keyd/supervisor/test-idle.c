/* SPDX-License-Identifier: Apache-2.0 */

/* What the verifier may say of its connections: nothing that cannot be */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/msg-load.h"
#include "keyd/supervisor/supervisor-internal.h"

static int take(Supervisor *s, uint64_t n_callers) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);

        assert_int_equal(msg_idle_encode(&record, &(MsgIdle) {.n_callers = n_callers}), 0);
        return idle_take(s, buf_span(&record));
}

static void test_gone(void **state _unused_) {
        Supervisor s = {.n_callers = 3};

        assert_int_equal(take(&s, 2), 0);
        assert_int_equal(s.n_callers_gone, 2);
        assert_int_equal(take(&s, 3), 0);
        assert_int_equal(s.n_callers_gone, 3);
}

static void test_more_than_it_got(void **state _unused_) {
        Supervisor s = {.n_callers = 3};

        assert_int_equal(take(&s, 4), 1);
        assert_int_equal(take(&s, UINT64_MAX), 1);
        assert_int_equal(s.n_callers_gone, 0);
}

static void test_nothing_new(void **state _unused_) {
        Supervisor s = {.n_callers = 3, .n_callers_gone = 2};

        assert_int_equal(take(&s, 2), 1);
        assert_int_equal(take(&s, 0), 1);
        assert_int_equal(s.n_callers_gone, 2);
}

static void test_no_idle(void **state _unused_) {
        Supervisor s = {.n_callers = 3};

        assert_int_equal(idle_take(&s, SPAN_LITERAL("")), 1);
        assert_int_equal(idle_take(&s, SPAN_LITERAL("\x42")), 1);
        assert_int_equal(idle_take(&s, SPAN_LITERAL("\x41\0\0\0\0\0\0\0\1")), 1);
        assert_int_equal(idle_take(&s, SPAN_LITERAL("\x57\0\0\0\0\0\0\1")), 1);
        assert_int_equal(idle_take(&s, SPAN_LITERAL("\x57\0\0\0\0\0\0\0\1\0")), 1);
        assert_int_equal(s.n_callers_gone, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_gone),
                cmocka_unit_test(test_more_than_it_got),
                cmocka_unit_test(test_nothing_new),
                cmocka_unit_test(test_no_idle),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
