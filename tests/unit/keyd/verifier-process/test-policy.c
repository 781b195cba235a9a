/* SPDX-License-Identifier: Apache-2.0 */

/* What takes its time: generations and dates. Time is ours here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keyd/verifier/policy.h"
#include "tests/unit/keyd/verifier-process/peer.h"

#define START (1000 * USEC_PER_SEC)

/* Profile "p" at @generation with alias "crm", after @last. */
static Policy *make(uint64_t generation, const Policy *last, uint64_t now) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        X509 *ca = test_ca();
        Policy *p = NULL;

        test_snapshot_certificates(&t, 1, &ca, 1);
        test_snapshot_profile(&t, "p", generation, generation ? PROTO_STATE_READY : PROTO_STATE_UNAVAILABLE, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 8443);
        assert_int_equal(policy_new(&p), 0);
        assert_int_equal(policy_add_certificates(p, buf_span(&t.records[0])), 0);
        assert_int_equal(policy_add_profile(p, buf_span(&t.records[1])), 0);
        assert_int_equal(policy_add_connection(p, buf_span(&t.records[2])), 0);
        assert_int_equal(policy_finish(p, last, now), 0);
        return p;
}

/* REFUSAL code, or -1 when it may go on to the check */
static int decide(const Policy *p, uint64_t generation, uint64_t now, int64_t offset) {
        PolicyDecision d;

        if (policy_decide(p, SPAN_LITERAL("crm"), generation, now, time(NULL) + offset, &d) != 0)
                return (int) d.code;

        assert_string_equal(d.destination, "partner.example.com:8443");
        assert_int_equal(X509_cmp(d.check.client_leaf, test_leaf()), 0);
        assert_int_equal(d.check.generation, generation);
        return -1;
}

static void test_old_generations(void **state _unused_) {
        _cleanup_(policy_freep) Policy *first = make(1, NULL, START), *second = NULL, *third = NULL;

        second = make(2, first, START);
        third = make(3, second, START + USEC_PER_SEC);
        first = policy_free(first);
        second = policy_free(second);

        assert_int_equal(decide(third, 3, START + 100 * ROLE_OLD_GENERATION_USEC, 0), -1);
        assert_int_equal(decide(third, 1, START + ROLE_OLD_GENERATION_USEC - 1, 0), -1);
        assert_int_equal(decide(third, 1, START + ROLE_OLD_GENERATION_USEC, 0), REFUSAL_GENERATION_GONE);
        assert_int_equal(decide(third, 2, START + USEC_PER_SEC + ROLE_OLD_GENERATION_USEC - 1, 0), -1);
        assert_int_equal(decide(third, 2, START + USEC_PER_SEC + ROLE_OLD_GENERATION_USEC, 0), REFUSAL_GENERATION_GONE);
        assert_int_equal(decide(third, 4, START, 0), REFUSAL_GENERATION_GONE);
}

/* A load every second: they do not pile up, and the latest are there. */
static void test_many_generations(void **state _unused_) {
        Policy *p = make(1, NULL, START);

        for (uint64_t generation = 2; generation < 50; generation++) {
                Policy *next = make(generation, p, START + generation);

                policy_free(p);
                p = next;
        }
        assert_int_equal(decide(p, 49, START + 50, 0), -1);
        assert_int_equal(decide(p, 48, START + 50, 0), -1);
        assert_int_equal(decide(p, 41, START + 50, 0), -1);
        assert_int_equal(decide(p, 40, START + 50, 0), REFUSAL_GENERATION_GONE);
        policy_free(p);
}

/* The same generation again is the current one, not an old one. */
static void test_same_generation(void **state _unused_) {
        _cleanup_(policy_freep) Policy *first = make(1, NULL, START), *second = make(1, first, START);

        assert_int_equal(decide(second, 1, START + 2 * ROLE_OLD_GENERATION_USEC, 0), -1);
}

/* A profile that cannot be loaded any more: handshakes under way end, new ones are refused. */
static void test_unloaded(void **state _unused_) {
        _cleanup_(policy_freep) Policy *first = make(1, NULL, START), *second = make(0, first, START);

        assert_int_equal(decide(second, 1, START + 1, 0), -1);
        assert_int_equal(decide(second, 1, START + ROLE_OLD_GENERATION_USEC, 0), REFUSAL_GENERATION_GONE);
        assert_int_equal(decide(second, 0, START + 1, 0), REFUSAL_GENERATION_GONE);
}

static void test_dates(void **state _unused_) {
        _cleanup_(policy_freep) Policy *p = make(1, NULL, START);

        assert_int_equal(decide(p, 1, START, 90), -1);
        assert_int_equal(decide(p, 1, START, 110), REFUSAL_KEY_EXPIRED);
        assert_int_equal(decide(p, 1, START, -90), -1);
        assert_int_equal(decide(p, 1, START, -110), REFUSAL_KEY_EXPIRED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_generations), cmocka_unit_test(test_many_generations),
                cmocka_unit_test(test_same_generation), cmocka_unit_test(test_unloaded),
                cmocka_unit_test(test_dates),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
