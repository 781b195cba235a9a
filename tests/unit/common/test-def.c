/* SPDX-License-Identifier: Apache-2.0 */

#include <limits.h>
#include <string.h>

#include "common/def.h"
#include "tests/unit/lib/unit.h"

static void test_poll_ms(void **state) {
        assert_int_equal(deadline_to_poll_ms(USEC_INFINITY), -1);
        assert_int_equal(deadline_to_poll_ms(0), 0);
        assert_int_equal(deadline_to_poll_ms(now_usec()), 0);
        assert_int_equal(deadline_to_poll_ms(USEC_INFINITY - 1), INT_MAX);
        assert_in_range(deadline_to_poll_ms(now_usec() + 3600 * USEC_PER_SEC), 1, 3600 * 1000);
}

/* Rounded up: 0 only when the deadline has passed, or poll() would be called over and over until it has. */
static void test_poll_ms_rounds_up(void **state) {
        for (unsigned i = 0; i < 100; i++) {
                uint64_t deadline = now_usec() + 900;

                if (deadline_to_poll_ms(deadline) == 0)
                        assert_true(now_usec() >= deadline);
        }
}

static void test_deadline_after(void **state) {
        uint64_t before = now_usec();

        assert_true(deadline_after(USEC_INFINITY) == USEC_INFINITY);
        assert_true(deadline_after(USEC_INFINITY - 1) == USEC_INFINITY);
        assert_true(deadline_after(USEC_PER_SEC) >= before + USEC_PER_SEC);
}

static void test_take(void **state) {
        _cleanup_free_ char *p = strdup("x");
        _cleanup_free_ char *q = TAKE_PTR(p);
        int fd = 7, taken = TAKE_FD(fd);

        assert_null(p);
        assert_string_equal(q, "x");
        assert_int_equal(fd, -1);
        assert_int_equal(taken, 7);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_poll_ms),
                cmocka_unit_test(test_poll_ms_rounds_up),
                cmocka_unit_test(test_deadline_after),
                cmocka_unit_test(test_take),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
