/* SPDX-License-Identifier: Apache-2.0 */

/* The keys channel: what is taken, when, and what voids a load. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <poll.h>

#include "common/chan.h"
#include "common/msg-hello.h"
#include "tests/unit/keyd/signer/peer.h"

#define P256 TLS_SCHEME_ECDSA_SECP256R1_SHA256

static const char *path;

typedef struct Fixture {
        RoleProcess p;
        EVP_PKEY *key;
        X509 *leaf;
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        ASSERT(f);
        f->key = test_key("ec-p256");
        f->leaf = test_certificate("client", f->key, NULL, NULL, false);
        role_start(&f->p, path, role_can_be_confined());
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        ASSERT(role_stop(&f->p) == 0);
        X509_free(f->leaf);
        EVP_PKEY_free(f->key);
        free(f);
        return 0;
}

static void assert_signs(Fixture *f, uint64_t generation) {
        MsgVerdict m = test_verdict(generation, TLS_VERSION_1_3, P256, test_hash(32));

        assert_true(ask_signature(&f->p, &m).size > 0);
}

static void assert_refuses(Fixture *f, uint64_t generation, RefusalCode code) {
        MsgVerdict m = test_verdict(generation, TLS_VERSION_1_3, P256, test_hash(32));

        assert_int_equal(ask_refusal(&f->p, &m), code);
}

static void grant(Fixture *f, const char *profile, uint64_t generation) {
        load_grant(&f->p, &(MsgGrant) {.profile = span_from_string(profile),
                                       .minimum_tls = TLS_VERSION_1_2,
                                       .generation = generation,
                                       .max_signatures_per_minute = 1000});
}

/* Nothing holds before KEYS_END, everything after. */
static void test_one_step(void **state) {
        Fixture *f = *state;

        load_begin(&f->p);
        load_key(&f->p, "p", 1, f->key, f->leaf);
        grant(f, "p", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_refuses(f, 1, REFUSAL_PROFILE_UNKNOWN);
        assert_int_equal(load_end(&f->p), 0);
        assert_signs(f, 1);
}

/* A load states grants and bindings anew, and keys that are there need not come again. */
static void test_without_keys(void **state) {
        Fixture *f = *state;

        load_simple(&f->p, 1, f->key, f->leaf);
        load_begin(&f->p);
        grant(f, "p", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);
        assert_signs(f, 1);

        load_begin(&f->p);
        grant(f, "p", 1);
        assert_int_equal(load_end(&f->p), 0);
        assert_refuses(f, 1, REFUSAL_PROFILE_UNKNOWN);
}

/* A profile without a grant: its key is wiped, and does not come back with the grant. */
static void test_grant_withdrawn(void **state) {
        Fixture *f = *state;

        load_simple(&f->p, 1, f->key, f->leaf);
        load_begin(&f->p);
        assert_int_equal(load_end(&f->p), 0);
        assert_true(role_log_has(&f->p, "generation 1, is wiped", 1));

        load_begin(&f->p);
        grant(f, "p", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 1);
        assert_refuses(f, 1, REFUSAL_GENERATION_GONE);
}

/* Handshakes under way end on the generation they began with. */
static void test_old_generation(void **state) {
        Fixture *f = *state;

        load_simple(&f->p, 1, f->key, f->leaf);
        load_simple(&f->p, 2, f->key, f->leaf);
        assert_signs(f, 2);
        assert_signs(f, 1);
        assert_refuses(f, 3, REFUSAL_GENERATION_GONE);
}

/* A key that came again replaces itself. */
static void test_resent(void **state) {
        Fixture *f = *state;

        for (unsigned i = 0; i < 50; i++)
                load_simple(&f->p, 1, f->key, f->leaf);
        assert_signs(f, 1);
}

/* Keys that cannot be used are left out and counted; the others work. */
static void test_unusable_keys(void **state) {
        EVP_PKEY *other = test_key("ec-p256"), *foreign = EVP_EC_gen("secp256k1");
        X509 *foreign_leaf = test_certificate("client", foreign, NULL, NULL, false);
        _cleanup_(key_handover_done) KeyHandover h = {};
        Fixture *f = *state;

        load_begin(&f->p);
        load_key(&f->p, "p", 1, f->key, f->leaf);
        load_key(&f->p, "mismatch", 1, other, f->leaf);
        load_key(&f->p, "foreign", 1, foreign, foreign_leaf);
        h = test_handover("garbage", 1, f->key, f->leaf);
        secret_writable(h.pkcs8)[0] ^= 0xff;
        assert_int_equal(key_handover_send(f->p.keys, &h, deadline_after(TEST_USEC)), 0);
        key_handover_done(&h);
        h = test_handover("leafless", 1, f->key, f->leaf);
        secret_writable(h.leaf)[0] ^= 0xff;
        assert_int_equal(key_handover_send(f->p.keys, &h, deadline_after(TEST_USEC)), 0);
        grant(f, "p", 1);
        grant(f, "mismatch", 1);
        grant(f, "foreign", 1);
        grant(f, "garbage", 1);
        grant(f, "leafless", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 4);
        assert_true(role_log_has(&f->p, "is not taken", 4));
        assert_signs(f, 1);

        X509_free(foreign_leaf);
        EVP_PKEY_free(foreign);
        EVP_PKEY_free(other);
}

/*
 * A key whose private half was damaged: its public half, which comes along, is the certificate's, so it is taken. What it signs does not
 * verify, and a signature that does not verify can give a key away: it is not sent.
 */
static void test_faulty_key(void **state) {
        _cleanup_(key_handover_done) KeyHandover h = {};
        uint8_t scalar[32];
        Fixture *f = *state;
        BIGNUM *d = NULL;
        uint8_t *p;

        assert_int_equal(EVP_PKEY_get_bn_param(f->key, OSSL_PKEY_PARAM_PRIV_KEY, &d), 1);
        assert_int_equal(BN_bn2binpad(d, scalar, sizeof(scalar)), sizeof(scalar));
        BN_clear_free(d);

        h = test_handover("p", 1, f->key, f->leaf);
        p = memmem(secret_writable(h.pkcs8), secret_size(h.pkcs8), scalar, sizeof(scalar));
        assert_non_null(p);
        p[31] ^= 1;
        load_begin(&f->p);
        assert_int_equal(key_handover_send(f->p.keys, &h, deadline_after(TEST_USEC)), 0);
        grant(f, "p", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);

        assert_refuses(f, 1, REFUSAL_INTERNAL);
        assert_true(role_log_has(&f->p, "the signature could not be made", 1));
        load_simple(&f->p, 2, f->key, f->leaf);
        assert_signs(f, 2);
}

/* Sends @bad inside a load: the load is void, what was before holds, the next load is taken. */
static void assert_void(Fixture *f, Span bad) {
        static uint64_t generation = 100;
        struct pollfd p = {.fd = f->p.keys, .events = POLLIN};

        load_simple(&f->p, ++generation, f->key, f->leaf);
        role_log_clear(&f->p);
        load_begin(&f->p);
        grant(f, "p", generation);
        peer_send(f->p.keys, bad);
        load_send_end(&f->p);

        assert_true(role_log_has(&f->p, "nothing of this load is taken", 2));
        assert_signs(f, generation);
        assert_int_equal(poll(&p, 1, 0), 0);
}

static void assert_void_buf(Fixture *f, Buf *record) {
        assert_void(f, buf_span(record));
        buf_clear(record);
}

static void test_malformed_records(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(8192);
        MsgGrant g = {.profile = SPAN_LITERAL("g"), .minimum_tls = TLS_VERSION_1_2, .generation = 1};
        MsgBinding b = {.alias = SPAN_LITERAL("a"), .profile = SPAN_LITERAL("p"), .destination = SPAN_LITERAL("h:1")};
        Fixture *f = *state;

        assert_void(f, SPAN_LITERAL("\x45"
                                    "x")); /* KEYS_BEGIN with a body */
        assert_void(f, SPAN_LITERAL("\x49"
                                    "x"));    /* KEYS_END with a body */
        assert_void(f, SPAN_LITERAL("\x4a")); /* not a loader's */
        assert_void(f, SPAN_LITERAL("\x44"));
        assert_void(f, SPAN_LITERAL("\xff"));
        assert_void(f, SPAN_LITERAL("\x00"));
        assert_void(f, SPAN_LITERAL("\x46"));

        assert_int_equal(msg_grant_encode(&record, &g), 0);
        record.size--;
        assert_void_buf(f, &record);
        assert_int_equal(msg_grant_encode(&record, &g), 0);
        assert_int_equal(buf_append(&record, "", 1), 0);
        assert_void_buf(f, &record);

        assert_int_equal(msg_binding_encode(&record, &b), 0);
        record.size--;
        assert_void_buf(f, &record);
        assert_int_equal(msg_binding_encode(&record, &b), 0);
        assert_int_equal(buf_append(&record, "", 1), 0);
        assert_void_buf(f, &record);

        /* "p" has its grant already; too long for any grant */
        g.profile = SPAN_LITERAL("p");
        assert_int_equal(msg_grant_encode(&record, &g), 0);
        assert_void_buf(f, &record);
        while (record.size < 5000)
                assert_int_equal(buf_append(&record, "\x47", 1), 0);
        assert_void_buf(f, &record);
        assert_true(role_log_has(&f->p, "is too long", 1));
}

/* What cannot be received voids the load like any other wrong record; the keys that are there stay. */
static void test_record_not_received(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX + 1);
        Fixture *f = *state;
        uint8_t *p;

        load_simple(&f->p, 1, f->key, f->leaf);
        assert_int_equal(buf_extend(&record, PROTO_RECORD_MAX + 1, &p), 0);
        memset(p, ROLE_KEY, record.size);
        load_begin(&f->p);
        peer_send(f->p.keys, buf_span(&record));
        load_send_end(&f->p);
        assert_true(role_log_has(&f->p, "is too long, or has a descriptor", 1));
        assert_true(role_log_has(&f->p, "is out of turn", 1));
        assert_signs(f, 1);
}

/* Answers that nobody takes do not keep the signer from its next load. */
static void test_answers_not_taken(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096);
        Fixture *f = *state;
        MsgVerdict m = test_verdict(1, TLS_VERSION_1_3, P256, test_hash(32));

        m.alias = SPAN_LITERAL("crm2");
        for (unsigned i = 0; i < 1000; i++)
                ask(&f->p, &m);
        load_simple(&f->p, 2, f->key, f->leaf);
        assert_true(role_log_has(&f->p, "does not take its answer", 1));

        while (chan_receive(f->p.verdicts, &answer, 0) == 0)
                continue;
        m = test_verdict(2, TLS_VERSION_1_3, P256, test_hash(32));
        ask(&f->p, &m);
        do
                peer_receive(f->p.verdicts, &answer);
        while (answer.data[0] != MSG_SIGNATURE);
}

/* Out of turn: without KEYS_BEGIN nothing is taken. */
static void test_out_of_turn(void **state) {
        Fixture *f = *state;

        load_key(&f->p, "p", 1, f->key, f->leaf);
        grant(f, "p", 1);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        load_send_end(&f->p);
        assert_true(role_log_has(&f->p, "is out of turn", 4));
        assert_refuses(f, 1, REFUSAL_PROFILE_UNKNOWN);
        load_simple(&f->p, 1, f->key, f->leaf);
        assert_signs(f, 1);
}

/* A loader died in the middle of a load; the next one begins anew. */
static void test_begun_anew(void **state) {
        Fixture *f = *state;

        load_begin(&f->p);
        grant(f, "p", 1);
        load_simple(&f->p, 1, f->key, f->leaf);
        assert_signs(f, 1);
}

/* More keys than there is memory for: they are left out, and the signer lives. */
static void test_full(void **state) {
        Fixture *f = *state;
        uint32_t n_missing;
        char name[32];

        load_begin(&f->p);
        for (unsigned i = 0; i < 3000; i++) {
                snprintf(name, sizeof(name), "p%u", i);
                load_key(&f->p, name, 1, f->key, f->leaf);
                grant(f, name, 1);
        }
        n_missing = load_end(&f->p);
        assert_in_range(n_missing, 1, 2900);
        assert_true(role_log_has(&f->p, "there is no memory left for it", 1));

        load_begin(&f->p);
        assert_int_equal(load_end(&f->p), 0);
        load_simple(&f->p, 1, f->key, f->leaf);
        assert_signs(f, 1);
}

/* A broken keys channel is the end: the supervisor makes a new signer. */
static void test_channel_ends(void **state _unused_) {
        RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        close_fdp(&p.keys);
        assert_int_not_equal(role_wait(&p), 0);

        role_start(&p, path, role_can_be_confined());
        close_fdp(&p.verdicts);
        assert_int_not_equal(role_wait(&p), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_step, setup, teardown),
                cmocka_unit_test_setup_teardown(test_without_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(test_grant_withdrawn, setup, teardown),
                cmocka_unit_test_setup_teardown(test_old_generation, setup, teardown),
                cmocka_unit_test_setup_teardown(test_resent, setup, teardown),
                cmocka_unit_test_setup_teardown(test_unusable_keys, setup, teardown),
                cmocka_unit_test_setup_teardown(test_faulty_key, setup, teardown),
                cmocka_unit_test_setup_teardown(test_malformed_records, setup, teardown),
                cmocka_unit_test_setup_teardown(test_record_not_received, setup, teardown),
                cmocka_unit_test_setup_teardown(test_answers_not_taken, setup, teardown),
                cmocka_unit_test_setup_teardown(test_out_of_turn, setup, teardown),
                cmocka_unit_test_setup_teardown(test_begun_anew, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full, setup, teardown),
                cmocka_unit_test(test_channel_ends),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
