/* SPDX-License-Identifier: Apache-2.0 */

/* Snapshots: what watchers are told, and when a snapshot is not taken. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include "tests/unit/keyd/verifier-process/peer.h"

static const char *path;

static int setup(void **state) {
        static RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        *state = &p;
        return 0;
}

static int teardown(void **state) {
        ASSERT(role_stop(*state) == 0);
        return 0;
}

static void begin(TestSnapshot *t, uint64_t revision, uint64_t generation) {
        X509 *ca = test_ca();

        test_snapshot_begin(t, revision);
        test_snapshot_certificates(t, 1, &ca, 1);
        test_snapshot_profile(t, "p", generation, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
}

static void make(TestSnapshot *t, uint64_t revision, uint64_t generation) {
        begin(t, revision, generation);
        test_snapshot_end(t);
}

static bool is_silent(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, 0) == 0;
}

/* What the check says of the policy for @generation. */
static void assert_policy(RoleProcess *p, uint64_t generation, const char *sentence) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        _cleanup_fd_ int fd = calld_hello(p);
        MsgSign m = test_sign(1, 'p');
        MsgRefusal refusal;
        char text[256];

        m.generation = generation;
        calld_sign(fd, &m);
        refusal = calld_refusal(fd, &record);
        snprintf(text, sizeof(text), "%.*s", (int) refusal.sentence.size, (const char *) refusal.sentence.data);
        assert_string_equal(text, sentence);
}

/* Byte for byte; CRLs are not for calld. */
static void test_watch(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        X509 *ca = test_ca();
        RoleProcess *p = *state;
        int before = calld_watch(p), after;

        test_snapshot_begin(&t, 1);
        test_snapshot_certificates(&t, 1, &ca, 1);
        test_snapshot_crl(&t, "p", SPAN_LITERAL("not a CRL"));
        test_snapshot_profile(&t, "p", 1, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_end(&t);
        test_snapshot_send(&t, p);
        calld_expect_snapshot(before, &t);
        after = calld_watch(p);
        calld_expect_snapshot(after, &t);
        assert_true(is_silent(before) && is_silent(after));

        /* and every later one */
        test_snapshot_done(&t);
        make(&t, 2, 2);
        test_snapshot_send(&t, p);
        calld_expect_snapshot(before, &t);
        calld_expect_snapshot(after, &t);
        close(before);
        close(after);
}

/* A watcher may ask for signatures too. */
static void test_watch_and_sign(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        uint64_t id;
        int fd;

        make(&t, 1, 1);
        test_snapshot_send(&t, p);
        fd = calld_watch(p);
        calld_expect_snapshot(fd, &t);
        calld_sign(fd, &m);
        id = signer_verdict(p, &record).request_id;

        /* a snapshot while the signature is on its way */
        test_snapshot_send(&t, p);
        calld_expect_snapshot(fd, &t);
        signer_sign(p, id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 9);
        close(fd);
}

/* A large snapshot, more than the socket holds, for two who read at their own pace, and a newer one on top of it. */
static void test_large(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {}, newer = {};
        RoleProcess *p = *state;
        X509 *many[250] = {test_ca()};
        int first, second;
        char name[32];

        for (size_t i = 1; i < ARRAY_SIZE(many); i++) {
                snprintf(name, sizeof(name), "CA %zu", i);
                many[i] = test_certificate(name, test_ca_key(), NULL, NULL, true);
        }
        test_snapshot_begin(&t, 1);
        for (uint8_t set = 2; set < 6; set++)
                test_snapshot_certificates(&t, set, many, ARRAY_SIZE(many));
        make(&newer, 2, 1);

        test_snapshot_certificates(&t, 1, many, ARRAY_SIZE(many));
        test_snapshot_profile(&t, "p", 1, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_end(&t);

        first = calld_watch(p);
        test_snapshot_send(&t, p);
        second = calld_watch(p);
        assert_policy(p, 1, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 1");
        test_snapshot_send(&newer, p);
        assert_policy(p, 1, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 2");
        calld_expect_snapshot(first, &t);
        calld_expect_snapshot(second, &t);
        calld_expect_snapshot(first, &newer);
        calld_expect_snapshot(second, &newer);
        close(first);
        close(second);
        for (size_t i = 1; i < ARRAY_SIZE(many); i++)
                X509_free(many[i]);
}

/* A watcher that does not read is closed; one that does is not held up. */
static void test_slow_watcher(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        RoleProcess *p = *state;
        int slow = calld_watch(p), good = calld_watch(p);

        make(&t, 1, 1);
        for (unsigned i = 0; i < 150; i++) {
                test_snapshot_send(&t, p);
                calld_expect_snapshot(good, &t);
        }
        assert_true(role_log_has(p, "it does not take what it asked for", 1));
        assert_true(peer_is_closed(slow));
        test_snapshot_send(&t, p);
        calld_expect_snapshot(good, &t);
        close(slow);
        close(good);
}

/* The former generation's certificate is known for a while. */
static void test_old_generation(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        RoleProcess *p = *state;

        make(&t, 1, 1);
        test_snapshot_send(&t, p);
        test_snapshot_done(&t);
        make(&t, 2, 2);
        test_snapshot_send(&t, p);
        assert_policy(p, 2, "p 2 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 2");
        assert_policy(p, 1, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 2");
}

/* What is wrong voids the snapshot; the former one stays, for the policy and for watchers. */
static void assert_void(RoleProcess *p, int watcher, const TestSnapshot *t) {
        role_log_clear(p);
        test_snapshot_send(t, p);
        assert_true(role_log_has(p, "this snapshot is not taken", 1));
        assert_policy(p, 1, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 1");
        assert_true(is_silent(watcher));
}

static void damage(TestSnapshot *t, size_t i, bool longer) {
        if (longer)
                ASSERT(buf_append(&t->records[i], "", 1) == 0);
        else
                t->records[i].size--;
}

static void test_malformed(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        RoleProcess *p = *state;
        int watcher = calld_watch(p);

        make(&t, 1, 1);
        test_snapshot_send(&t, p);
        calld_expect_snapshot(watcher, &t);

        for (size_t i = 1; i < t.n; i++)
                for (unsigned longer = 0; longer < 2; longer++) {
                        test_snapshot_done(&t);
                        make(&t, 2, 2);
                        if (t.records[i].size == 1 && !longer)
                                continue;
                        damage(&t, i, longer);
                        assert_void(p, watcher, &t);
                }

        /* said twice */
        test_snapshot_done(&t);
        begin(&t, 2, 2);
        test_snapshot_profile(&t, "p", 2, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_end(&t);
        assert_void(p, watcher, &t);
        test_snapshot_done(&t);
        begin(&t, 2, 2);
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_end(&t);
        assert_void(p, watcher, &t);

        /* a set whose last part is missing; one that goes on behind its end */
        test_snapshot_done(&t);
        begin(&t, 2, 2);
        t.records[1].data[1 + PROTO_SET_ID_SIZE] = 0;
        test_snapshot_end(&t);
        assert_void(p, watcher, &t);
        test_snapshot_done(&t);
        begin(&t, 2, 2);
        test_snapshot_certificates(&t, 1, &(X509 *) {test_ca()}, 1);
        test_snapshot_end(&t);
        assert_void(p, watcher, &t);

        /* a good one is taken all the same */
        test_snapshot_done(&t);
        make(&t, 3, 3);
        test_snapshot_send(&t, p);
        calld_expect_snapshot(watcher, &t);
        close(watcher);
}

/* The supervisor died in the middle and begins anew. */
static void test_begun_anew(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot part = {}, whole = {};
        RoleProcess *p = *state;
        int watcher = calld_watch(p);

        begin(&part, 1, 1);
        test_snapshot_send(&part, p);
        make(&whole, 2, 1);
        test_snapshot_send(&whole, p);
        calld_expect_snapshot(watcher, &whole);
        assert_true(is_silent(watcher));
        close(watcher);
}

static void make_crl(bool revoke, Buf *ret) {
        X509_CRL *crl = X509_CRL_new();
        ASN1_TIME *now = X509_gmtime_adj(NULL, -10), *later = X509_gmtime_adj(NULL, 1000);
        uint8_t *der = NULL;
        int size;

        ASSERT(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl, X509_get_subject_name(test_ca())) == 1);
        ASSERT(X509_CRL_set1_lastUpdate(crl, now) == 1 && X509_CRL_set1_nextUpdate(crl, later) == 1);
        if (revoke) {
                X509_REVOKED *r = X509_REVOKED_new();

                ASSERT(X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(test_leaf())) == 1 && X509_REVOKED_set_revocationDate(r, now) == 1);
                ASSERT(X509_CRL_add0_revoked(crl, r) == 1);
        }
        ASSERT(X509_CRL_sign(crl, test_ca_key(), EVP_sha256()) > 0);
        size = i2d_X509_CRL(crl, &der);
        ASSERT(size > 0 && buf_append(ret, der, (size_t) size) == 0);
        OPENSSL_free(der);
        ASN1_TIME_free(now);
        ASN1_TIME_free(later);
        X509_CRL_free(crl);
}

/* CRLs concern their profile alone; error 23 is X509_V_ERR_CERT_REVOKED, 3 is X509_V_ERR_UNABLE_TO_GET_CRL. */
static void test_crls(void **state) {
        static const struct {
                bool with, revoke;
                const char *sentence;
        } rows[] = {
                {true, false, "p 1 partner.example.com 0303 names 1 pins 2 crls 1 verify 0 cleared 1"},
                {true, true, "p 1 partner.example.com 0303 names 1 pins 2 crls 1 verify 23 cleared 2"},
                {false, false, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 3"},
        };
        RoleProcess *p = *state;
        X509 *ca = test_ca();

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(test_snapshot_done) TestSnapshot t = {};
                _cleanup_(buf_done) Buf crl = BUF_INIT(4096);

                make_crl(rows[i].revoke, &crl);
                test_snapshot_begin(&t, i + 1);
                test_snapshot_certificates(&t, 1, &ca, 1);
                test_snapshot_crl(&t, rows[i].with ? "p" : "q", buf_span(&crl));
                test_snapshot_profile(&t, "q", 1, PROTO_STATE_READY, 1, test_leaf());
                test_snapshot_profile(&t, "p", 1, PROTO_STATE_READY, 1, test_leaf());
                test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
                test_snapshot_end(&t);
                test_snapshot_send(&t, p);
                assert_policy(p, 1, rows[i].sentence);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
                cmocka_unit_test_setup_teardown(test_watch_and_sign, setup, teardown),
                cmocka_unit_test_setup_teardown(test_large, setup, teardown),
                cmocka_unit_test_setup_teardown(test_slow_watcher, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_generation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_begun_anew, setup, teardown),
                cmocka_unit_test_setup_teardown(test_crls, setup, teardown),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
