/* SPDX-License-Identifier: Apache-2.0 */

/* Each reason to refuse, beside the same verdict without it, which is signed. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/msg-sign.h"
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
        load_simple(&f->p, 1, f->key, f->leaf);
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

static MsgVerdict good(void) {
        return test_verdict(1, TLS_VERSION_1_3, P256, test_hash(32));
}

static void assert_signs(Fixture *f, MsgVerdict m) {
        assert_true(ask_signature(&f->p, &m).size > 0);
}

/* The refusal comes, is recorded, and the next good verdict is signed. */
static void assert_refuses(Fixture *f, MsgVerdict m, RefusalCode code) {
        char reason[64];

        snprintf(reason, sizeof(reason), "\"MIDTLS_REASON\":\"%s\"", refusal_code_to_string(code));
        role_log_clear(&f->p);
        assert_int_equal(ask_refusal(&f->p, &m), code);
        assert_true(role_log_has(&f->p, reason, 1));
        assert_signs(f, good());
}

static void test_profile_unknown(void **state) {
        MsgVerdict m = good();

        m.alias = SPAN_LITERAL("crm2");
        assert_refuses(*state, m, REFUSAL_PROFILE_UNKNOWN);
        m.alias = SPAN_LITERAL("cr");
        assert_refuses(*state, m, REFUSAL_PROFILE_UNKNOWN);
}

/* An alias whose profile has no grant. */
static void test_profile_without_grant(void **state) {
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = 1, .max_signatures_per_minute = 1000};
        Fixture *f = *state;
        MsgVerdict m = good();

        load_begin(&f->p);
        load_grant(&f->p, &grant);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        load_binding(&f->p, "other", "q", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);
        m.alias = SPAN_LITERAL("other");
        assert_refuses(f, m, REFUSAL_PROFILE_UNKNOWN);
}

static void test_generation_gone(void **state) {
        MsgVerdict m = good();

        m.generation = 2;
        assert_refuses(*state, m, REFUSAL_GENERATION_GONE);
        m.generation = 0;
        assert_refuses(*state, m, REFUSAL_GENERATION_GONE);
}

static void load_dated(Fixture *f, int64_t not_before, int64_t not_after) {
        _cleanup_(key_handover_done) KeyHandover h = test_handover("dated", 7, f->key, f->leaf);
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = 1, .max_signatures_per_minute = 1000};

        h.not_before = (uint64_t) (time(NULL) + not_before);
        h.not_after = (uint64_t) (time(NULL) + not_after);
        load_begin(&f->p);
        assert_int_equal(key_handover_send(f->p.keys, &h, deadline_after(TEST_USEC)), 0);
        load_grant(&f->p, &grant);
        grant.profile = SPAN_LITERAL("dated");
        grant.generation = 7;
        load_grant(&f->p, &grant);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        load_binding(&f->p, "dated", "dated", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);
}

static void test_key_expired(void **state) {
        Fixture *f = *state;
        MsgVerdict m = good();

        m.alias = SPAN_LITERAL("dated");
        m.generation = 7;
        load_dated(f, -1000, -10);
        assert_refuses(f, m, REFUSAL_KEY_EXPIRED);
        load_dated(f, 1000, 2000);
        assert_refuses(f, m, REFUSAL_KEY_EXPIRED);
        load_dated(f, -1000, 1000);
        m.to_sign = test_hash(32);
        assert_signs(f, m);
}

static void load_limited(Fixture *f, uint32_t max) {
        MsgGrant grant = {.profile = SPAN_LITERAL("limited"), .minimum_tls = TLS_VERSION_1_2, .generation = 3, .max_signatures_per_minute = max};

        load_begin(&f->p);
        load_key(&f->p, "limited", 3, f->key, f->leaf);
        load_grant(&f->p, &grant);
        grant.profile = SPAN_LITERAL("p");
        grant.generation = 1;
        grant.max_signatures_per_minute = 1000;
        load_grant(&f->p, &grant);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        load_binding(&f->p, "limited", "limited", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);
}

static MsgVerdict limited(void) {
        MsgVerdict m = good();

        m.alias = SPAN_LITERAL("limited");
        m.generation = 3;
        return m;
}

/* One a minute: the second is refused, and a load does not give it back. The other profile goes on. */
static void test_rate_limited(void **state) {
        Fixture *f = *state;

        load_limited(f, 1);
        assert_signs(f, limited());
        assert_refuses(f, limited(), REFUSAL_RATE_LIMITED);
        load_limited(f, 1);
        assert_refuses(f, limited(), REFUSAL_RATE_LIMITED);
        load_limited(f, 0);
        assert_refuses(f, limited(), REFUSAL_RATE_LIMITED);
}

static void test_server_certificate(void **state) {
        static const uint8_t first[PROTO_PIN_SIZE] = {1}, second[PROTO_PIN_SIZE] = {2};
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = 1, .max_signatures_per_minute = 1000};
        Fixture *f = *state;
        MsgVerdict m = good();

        assert_int_equal(text_list_add(&grant.pins, span_make(first, sizeof(first))), 0);
        assert_int_equal(text_list_add(&grant.pins, span_make(second, sizeof(second))), 0);
        load_begin(&f->p);
        load_grant(&f->p, &grant);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);

        m.server_spki_sha256[0] = 3;
        assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_SERVER_CERTIFICATE);
        m = good();
        m.server_spki_sha256[0] = 2;
        m.server_spki_sha256[31] = 1;
        assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_SERVER_CERTIFICATE);
        m = good();
        m.server_spki_sha256[0] = 2;
        assert_signs(f, m);
}

/* In TLS 1.3 a P-256 key has one scheme. */
static void test_scheme(void **state) {
        static const uint16_t foreign[] = {TLS_SCHEME_RSA_PKCS1_SHA256,
                                           TLS_SCHEME_ECDSA_SECP384R1_SHA384,
                                           TLS_SCHEME_ECDSA_SECP521R1_SHA512,
                                           TLS_SCHEME_RSA_PSS_RSAE_SHA256,
                                           TLS_SCHEME_ED25519,
                                           TLS_SCHEME_RSA_PSS_PSS_SHA256,
                                           0,
                                           0x0203 /* ecdsa_sha1 */,
                                           0xffff};

        for (size_t i = 0; i < ARRAY_SIZE(foreign); i++) {
                MsgVerdict m = good();

                m.scheme = foreign[i];
                assert_refuses(*state, m, REFUSAL_SCHEME);
        }
}

/* PKCS#1 v1.5 signs TLS 1.2 alone. */
static void test_scheme_rsa(void **state) {
        _cleanup_(buf_done) Buf transcript = BUF_INIT(4096);
        EVP_PKEY *key = test_key("rsa-2048");
        X509 *leaf = test_certificate("client", key, NULL, NULL, false);
        Fixture *f = *state;
        MsgVerdict m = test_verdict(9, TLS_VERSION_1_3, TLS_SCHEME_RSA_PKCS1_SHA256, test_hash(32));

        load_simple(&f->p, 9, key, leaf);
        assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_SCHEME);
        m = test_verdict(9, TLS_VERSION_1_3, TLS_SCHEME_RSA_PSS_PSS_SHA256, test_hash(32));
        assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_SCHEME);
        test_transcript(&transcript);
        m = test_verdict(9, TLS_VERSION_1_2, TLS_SCHEME_RSA_PKCS1_SHA256, buf_span(&transcript));
        assert_signs(f, m);
        X509_free(leaf);
        EVP_PKEY_free(key);
}

/* Of a profile that demands TLS 1.3 nothing is signed in TLS 1.2, whatever the verifier says. */
static void test_version(void **state) {
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_3, .generation = 1, .max_signatures_per_minute = 1000};
        _cleanup_(buf_done) Buf transcript = BUF_INIT(4096);
        Fixture *f = *state;

        test_transcript(&transcript);
        assert_signs(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)));
        load_begin(&f->p);
        load_grant(&f->p, &grant);
        load_binding(&f->p, "crm", "p", "partner.example.com:443");
        assert_int_equal(load_end(&f->p), 0);
        buf_clear(&transcript);
        test_transcript(&transcript);
        assert_refuses(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)), REFUSAL_VERSION);
}

static void test_transcript_malformed_tls13(void **state) {
        static const size_t sizes[] = {33, 47, 49, 64};

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
                assert_refuses(*state, test_verdict(1, TLS_VERSION_1_3, P256, test_hash(sizes[i])), REFUSAL_TRANSCRIPT_MALFORMED);
}

static void test_transcript_malformed_tls12(void **state) {
        _cleanup_(buf_done) Buf transcript = BUF_INIT(4096);
        Fixture *f = *state;
        MsgVerdict m;

        test_transcript(&transcript);
        for (size_t size = transcript.size - 1; size > transcript.size - 36; size--) {
                m = test_verdict(1, TLS_VERSION_1_2, P256, span_make(transcript.data, size));
                assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_TRANSCRIPT_MALFORMED);
        }

        assert_int_equal(buf_append(&transcript, "\x10\x00\x00", 3), 0);
        m = test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript));
        assert_int_equal(ask_refusal(&f->p, &m), REFUSAL_TRANSCRIPT_MALFORMED);
}

static void test_sequence(void **state) {
        _cleanup_(buf_done) Buf transcript = BUF_INIT(4096), longer = BUF_INIT(4096);
        Fixture *f = *state;

        test_transcript(&transcript);
        transcript.data[0] = 2;
        assert_refuses(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)), REFUSAL_SEQUENCE);
        transcript.data[0] = 1;
        transcript.data[transcript.size - 36] = 15;
        assert_refuses(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)), REFUSAL_SEQUENCE);
        transcript.data[transcript.size - 36] = 16;
        assert_signs(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)));

        /* RFC 5246, 7.4.1.1: a HelloRequest is no part of it, not even as the first of its messages. */
        assert_int_equal(buf_append(&longer, "\0\0\0\0", 4), 0);
        assert_int_equal(buf_append(&longer, transcript.data, transcript.size), 0);
        assert_refuses(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&longer)), REFUSAL_SEQUENCE);

        /* What a TLS 1.3 client signs is no TLS 1.2 transcript. */
        buf_clear(&transcript);
        for (unsigned i = 0; i < 64; i++)
                assert_int_equal(buf_append(&transcript, " ", 1), 0);
        assert_refuses(f, test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript)), REFUSAL_TRANSCRIPT_MALFORMED);
}

static void test_destination(void **state) {
        static const char *const others[] = {"partner.example.com:444", "partner.example.com:44", "evil.example.com:443", "partner.example.com"};

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                MsgVerdict m = good();

                m.destination = span_from_string(others[i]);
                assert_refuses(*state, m, REFUSAL_PROFILE_NOT_FOR_ALIAS);
        }
}

/* Whatever the verifier says of the transcript: what has been signed is not signed again. */
static void test_replay(void **state) {
        _cleanup_(buf_done) Buf transcript = BUF_INIT(4096);
        Fixture *f = *state;
        uint8_t hash[32];
        MsgVerdict m;

        memcpy(hash, test_hash(32).data, 32);
        m = test_verdict(1, TLS_VERSION_1_3, P256, span_make(hash, 32));
        assert_signs(f, m);
        assert_refuses(f, m, REFUSAL_REPLAY);
        m.transcript_sha256[5] ^= 1;
        m.request_id += 1000;
        assert_refuses(f, m, REFUSAL_REPLAY);
        hash[31] ^= 1;
        assert_signs(f, m);

        test_transcript(&transcript);
        m = test_verdict(1, TLS_VERSION_1_2, P256, buf_span(&transcript));
        assert_signs(f, m);
        assert_refuses(f, m, REFUSAL_REPLAY);
}

static void test_deadline(void **state) {
        MsgVerdict m = good();

        m.deadline_usec = now_usec() - 1;
        assert_refuses(*state, m, REFUSAL_INTERNAL);
        m.deadline_usec = 0;
        assert_refuses(*state, m, REFUSAL_INTERNAL);
}

/* Records that are no verdict have no answer; the next one has, and is the next. */
static void test_malformed(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX), long_record = BUF_INIT(PROTO_RECORD_MAX + 1);
        MsgVerdict m = good();
        Fixture *f = *state;
        uint8_t *p;

        assert_int_equal(msg_verdict_encode(&record, &m), 0);
        for (size_t size = 1; size < record.size; size++)
                peer_send(f->p.verdicts, span_make(record.data, size));
        assert_int_equal(buf_append(&record, "", 1), 0);
        peer_send(f->p.verdicts, buf_span(&record));
        for (unsigned type = 0; type < 256; type++)
                if (type != ROLE_VERDICT) {
                        record.data[0] = (uint8_t) type;
                        peer_send(f->p.verdicts, span_make(record.data, record.size - 1));
                }

        assert_int_equal(buf_extend(&long_record, PROTO_RECORD_MAX + 1, &p), 0);
        memset(p, 0, PROTO_RECORD_MAX + 1);
        peer_send(f->p.verdicts, buf_span(&long_record));
        record.data[0] = ROLE_VERDICT;
        peer_send_fds(f->p.verdicts, span_make(record.data, record.size - 1), STDERR_FILENO, 1);
        assert_signs(f, good());
        assert_true(role_log_has(&f->p, "The verifier sent a record that is", 1));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_profile_unknown, setup, teardown),
                cmocka_unit_test_setup_teardown(test_profile_without_grant, setup, teardown),
                cmocka_unit_test_setup_teardown(test_generation_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_key_expired, setup, teardown),
                cmocka_unit_test_setup_teardown(test_rate_limited, setup, teardown),
                cmocka_unit_test_setup_teardown(test_server_certificate, setup, teardown),
                cmocka_unit_test_setup_teardown(test_scheme, setup, teardown),
                cmocka_unit_test_setup_teardown(test_scheme_rsa, setup, teardown),
                cmocka_unit_test_setup_teardown(test_transcript_malformed_tls13, setup, teardown),
                cmocka_unit_test_setup_teardown(test_transcript_malformed_tls12, setup, teardown),
                cmocka_unit_test_setup_teardown(test_sequence, setup, teardown),
                cmocka_unit_test_setup_teardown(test_version, setup, teardown),
                cmocka_unit_test_setup_teardown(test_destination, setup, teardown),
                cmocka_unit_test_setup_teardown(test_replay, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deadline, setup, teardown),
                cmocka_unit_test_setup_teardown(test_malformed, setup, teardown),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
