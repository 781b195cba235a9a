/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "calld/call/retry.h"

#define SEC USEC_PER_SEC
#define HALF (UINT32_MAX / 2)

static MsgConnection connection(RetryStrategy strategy) {
        MsgConnection m = {
                .retry_strategy = (uint8_t) strategy,
                .retry_interval_usec = 2 * SEC,
                .retry_count = 3,
                .retry_max_elapsed_usec = 60 * SEC,
        };
        static const char *const codes[] = {"429", "503", "401", "403"};

        for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
                assert_int_equal(text_list_add(&m.retry_status_codes, span_from_string(codes[i])), 0);
        return m;
}

/* What permits a retry in every respect. */
static RetryState state(void) {
        return (RetryState) {.elapsed_usec = SEC,
                             .timeout_usec = 30 * SEC,
                             .after_usec = RETRY_AFTER_NONE,
                             .random = HALF,
                             .is_idempotent = true,
                             .can_replay = true};
}

static void check(RetryStrategy strategy, const RetryState *s, bool wanted, uint64_t wanted_usec) {
        MsgConnection m = connection(strategy);
        uint64_t delay_usec = 0;

        assert_int_equal(retry_decide(&m, s, &delay_usec), wanted);
        if (wanted)
                assert_in_range(delay_usec, wanted_usec - wanted_usec / 1000, wanted_usec);
}

static void test_strategies(void **unused) {
        RetryState s = state();

        (void) unused;
        check(RETRY_NONE, &s, false, 0);
        check(_RETRY_MAX, &s, false, 0);
        check(RETRY_FIXED, &s, true, 2 * SEC);
        check(RETRY_AFTER, &s, true, 2 * SEC);
        check(RETRY_EXPONENTIAL, &s, true, SEC);
        s.n_retries = 2;
        check(RETRY_FIXED, &s, true, 2 * SEC);
        check(RETRY_EXPONENTIAL, &s, true, 4 * SEC);
        s.random = UINT32_MAX;
        check(RETRY_EXPONENTIAL, &s, true, 8 * SEC);
        s.random = 0;
        check(RETRY_EXPONENTIAL, &s, true, 0);
}

/* Doubling never overflows and never waits longer than the call may take. */
static void test_many_doublings(void **unused) {
        MsgConnection m = connection(RETRY_EXPONENTIAL);
        RetryState s = state();
        uint64_t delay_usec;

        (void) unused;
        m.retry_count = UINT32_MAX;
        m.retry_interval_usec = UINT64_MAX;
        s.n_retries = 1000000;
        assert_true(retry_decide(&m, &s, &delay_usec));
        assert_in_range(delay_usec, 14 * SEC, 15 * SEC);
        m.retry_interval_usec = 0;
        s.n_retries = 1000;
        assert_true(retry_decide(&m, &s, &delay_usec));
        assert_int_equal(delay_usec, 0);
}

static void test_refusals(void **unused) {
        RetryState s;

        (void) unused;
        s = state();
        s.is_off = true;
        check(RETRY_FIXED, &s, false, 0);
        s = state();
        s.is_idempotent = false;
        check(RETRY_FIXED, &s, false, 0);
        s = state();
        s.can_replay = false;
        check(RETRY_FIXED, &s, false, 0);
        s = state();
        s.n_retries = 3;
        check(RETRY_FIXED, &s, false, 0);
}

static void test_deadlines(void **unused) {
        RetryState s = state();

        (void) unused;
        s.timeout_usec = 3 * SEC;
        check(RETRY_FIXED, &s, false, 0);
        s.timeout_usec = 3 * SEC + 1;
        check(RETRY_FIXED, &s, true, 2 * SEC);
        s.elapsed_usec = 4 * SEC;
        check(RETRY_FIXED, &s, false, 0);
        s.timeout_usec = 100 * SEC;
        s.elapsed_usec = 58 * SEC;
        check(RETRY_FIXED, &s, false, 0);
        s.elapsed_usec = 58 * SEC - 1;
        check(RETRY_FIXED, &s, true, 2 * SEC);
}

static void test_retry_after(void **unused) {
        RetryState s = state();

        (void) unused;
        s.after_usec = 5 * SEC;
        check(RETRY_FIXED, &s, true, 5 * SEC);
        check(RETRY_EXPONENTIAL, &s, true, 5 * SEC);
        check(RETRY_AFTER, &s, true, 5 * SEC);
        s.after_usec = 0;
        check(RETRY_FIXED, &s, true, 2 * SEC);
        check(RETRY_AFTER, &s, true, 0);
        s.after_usec = 29 * SEC;
        check(RETRY_FIXED, &s, false, 0);
        check(RETRY_AFTER, &s, false, 0);
        s.after_usec = RETRY_AFTER_NONE - 1;
        check(RETRY_AFTER, &s, false, 0);
}

static void test_methods(void **unused) {
        static const char *const good[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}, *const bad[] = {"POST", "PATCH", "CONNECT", "get", "", "GETX"};

        (void) unused;
        for (size_t i = 0; i < ARRAY_SIZE(good); i++)
                assert_true(retry_method_is_idempotent(good[i]));
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(retry_method_is_idempotent(bad[i]));
}

static void test_status(void **unused) {
        MsgConnection m = connection(RETRY_FIXED);

        (void) unused;
        assert_true(retry_status_matches(&m, 429));
        assert_true(retry_status_matches(&m, 503));
        assert_false(retry_status_matches(&m, 500));
        assert_false(retry_status_matches(&m, 50));
        assert_false(retry_status_matches(&m, 5030));
        /* named, and refused all the same */
        assert_false(retry_status_matches(&m, 401));
        assert_false(retry_status_matches(&m, 403));
}

typedef struct AfterRow {
        const char *value;
        uint64_t wanted_usec;
} AfterRow;

static void test_parse_after(void **unused) {
        /* 784111777: Sun, 06 Nov 1994 08:49:37 GMT */
        static const AfterRow rows[] = {
                {"0", 0},
                {"120", 120 * SEC},
                {"99999999999999999999999", UINT32_MAX * (uint64_t) SEC},
                {"Sun, 06 Nov 1994 08:49:47 GMT", 10 * SEC},
                {"Sunday, 06-Nov-94 08:49:47 GMT", 10 * SEC},
                {"Sun Nov  6 08:49:47 1994", 10 * SEC},
                {"Sun, 06 Nov 1994 08:49:27 GMT", 0},
                {"", RETRY_AFTER_NONE},
                {"-1", RETRY_AFTER_NONE},
                {"1.5", RETRY_AFTER_NONE},
                {"soon", RETRY_AFTER_NONE},
                {"Sun, 36 Nov 1994 08:49:47 GMT", RETRY_AFTER_NONE},
        };

        (void) unused;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                char *value = strdup(rows[i].value);

                assert_non_null(value);
                assert_int_equal(retry_after_parse(value, 784111777), rows[i].wanted_usec);
                free(value);
        }
}

static unsigned take_all(RetryBudget *b, uint64_t now) {
        unsigned n = 0;

        while (retry_budget_take(b, now))
                n++;
        return n;
}

static void test_budget(void **unused) {
        RetryBudget b = {};
        uint64_t now = 1000 * SEC;

        (void) unused;
        assert_int_equal(take_all(&b, now), RETRY_BUDGET_PER_MINUTE);
        for (unsigned i = 0; i < 35; i++)
                retry_budget_count(&b, now);
        assert_int_equal(take_all(&b, now), 3);
        assert_int_equal(take_all(&b, now + 30 * SEC), RETRY_BUDGET_PER_MINUTE / 2);
        /* what is not used is not saved up */
        assert_int_equal(take_all(&b, now + 3600 * SEC), RETRY_BUDGET_PER_MINUTE);
        for (unsigned i = 0; i < 10000; i++)
                retry_budget_count(&b, now + 3600 * SEC);
        assert_int_equal(take_all(&b, now + 3600 * SEC), RETRY_BUDGET_PER_MINUTE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_strategies), cmocka_unit_test(test_many_doublings), cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_deadlines),  cmocka_unit_test(test_retry_after),    cmocka_unit_test(test_methods),
                cmocka_unit_test(test_status),     cmocka_unit_test(test_parse_after),    cmocka_unit_test(test_budget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
