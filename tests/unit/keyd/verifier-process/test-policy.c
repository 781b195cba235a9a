/* SPDX-License-Identifier: Apache-2.0 */

/* What takes its time: generations and dates. Time is ours here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/msg-load.h"
#include "keyd/verifier/policy-internal.h"
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

/* What the check is told of the connection and its profile, which demands more than usual here */
static void test_what_is_checked(void **state _unused_) {
        _cleanup_(policy_freep) Policy *p = make(1, NULL, START);
        PolicyDecision d;

        assert_int_equal(policy_decide(p, SPAN_LITERAL("crm"), 1, START, time(NULL), &d), 0);
        assert_true(span_is(d.check.profile, "p") && span_is(d.check.host, "partner.example.com"));
        assert_int_equal(d.check.allowed_names->n_items, 1);
        assert_int_equal(d.check.pins->n_items, 2);
        assert_int_equal(d.check.minimum_tls, TLS_VERSION_1_2);
        assert_false(d.check.has_crls);

        p->profiles->m.minimum_tls = TLS_VERSION_1_3;
        assert_int_equal(policy_decide(p, SPAN_LITERAL("crm"), 1, START, time(NULL), &d), 0);
        assert_int_equal(d.check.minimum_tls, TLS_VERSION_1_3);
}

/* A list of the CA that names nobody */
static void make_crl(Buf *ret) {
        X509_CRL *crl = X509_CRL_new();
        uint8_t *der = NULL;
        int size;

        assert_true(crl && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
                    X509_CRL_set_issuer_name(crl, X509_get_subject_name(test_ca())) == 1);
        assert_true(X509_CRL_set1_lastUpdate(crl, X509_get0_notBefore(test_ca())) == 1 &&
                    X509_CRL_set1_nextUpdate(crl, X509_get0_notAfter(test_ca())) == 1);
        assert_true(X509_CRL_sign(crl, test_ca_key(), EVP_sha256()) > 0);
        size = i2d_X509_CRL(crl, &der);
        assert_true(size > 0 && buf_append(ret, der, (size_t) size) == 0);
        OPENSSL_free(der);
        X509_CRL_free(crl);
}

/* Return: REFUSAL code, or -1 when it may go on to a check with CRLs */
static int decide_with_crl(Span der, bool last) {
        _cleanup_(buf_done) Buf crl = BUF_INIT(4096);
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        _cleanup_(policy_freep) Policy *p = NULL;
        X509 *ca = test_ca();
        PolicyDecision d;

        assert_int_equal(msg_crl_encode(&crl, &(MsgCrl) {.profile = SPAN_LITERAL("p"), .part = der, .last = last}), 0);
        test_snapshot_certificates(&t, 1, &ca, 1);
        test_snapshot_profile(&t, "p", 1, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 8443);
        assert_int_equal(policy_new(&p), 0);
        assert_int_equal(policy_add_certificates(p, buf_span(&t.records[0])), 0);
        assert_int_equal(policy_add_crl(p, buf_span(&crl)), 0);
        assert_int_equal(policy_add_profile(p, buf_span(&t.records[1])), 0);
        assert_int_equal(policy_add_connection(p, buf_span(&t.records[2])), 0);
        assert_int_equal(policy_finish(p, NULL, START), 0);
        if (policy_decide(p, SPAN_LITERAL("crm"), 1, START, time(NULL), &d) != 0)
                return (int) d.code;

        assert_true(d.check.has_crls);
        assert_int_equal(sk_X509_OBJECT_num(X509_STORE_get0_objects(d.check.store)), 2);
        return -1;
}

/* Of lists that are not all there nobody knows whom the rest would name. */
static void test_crls(void **state _unused_) {
        _cleanup_(buf_done) Buf crl = BUF_INIT(4096);

        make_crl(&crl);
        assert_int_equal(decide_with_crl(buf_span(&crl), true), -1);
        assert_int_equal(decide_with_crl(buf_span(&crl), false), REFUSAL_SERVER_CERTIFICATE);
        assert_int_equal(decide_with_crl(span_make(crl.data, crl.size - 1), true), REFUSAL_SERVER_CERTIFICATE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_generations),
                cmocka_unit_test(test_many_generations),
                cmocka_unit_test(test_same_generation),
                cmocka_unit_test(test_unloaded),
                cmocka_unit_test(test_dates),
                cmocka_unit_test(test_what_is_checked),
                cmocka_unit_test(test_crls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
