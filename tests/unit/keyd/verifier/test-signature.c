/* SPDX-License-Identifier: Apache-2.0 */

/* server-signature and scheme: which schemes are taken of the server, and which are made for it */

#include "tests/unit/keyd/verifier/refusal.h"

typedef struct Scheme {
        uint16_t code;
        const EVP_MD *(*digest)(void);
        bool pss;
} Scheme;

typedef struct Case {
        uint16_t version;
        const char *server, *client;
} Case;

/* Signs the case's handshake by @key with @by and checks it for @scheme, or for libssl's own choice when that is 0. */
static int check_signed(const Case *k, const Scheme *by, const char *key, const char *offer, uint16_t scheme, CheckResult *ret) {
        Buf bytes = BUF_INIT(DRAFT_MAX);
        Recording recording;
        RecordSpec spec;
        Draft d;
        World w;
        int r;

        world_init(&w, "ec-p256", k->server, k->client);
        spec = world_record_spec(&w, k->version);
        record_handshake(&spec, &recording);
        draft_init(&d, buf_span(&recording.transcript));
        if (offer)
                draft_set_extension(client_hello(&d), EXTENSION_SIGNATURE_ALGORITHMS, span_make(offer, 4));
        if (by)
                (k->version == TLS_VERSION_1_3 ? draft_sign_1_3 : draft_sign_1_2)(&d, key ? pki_key(key) : w.server_key, by->code,
                                                                                  by->digest ? by->digest() : NULL, by->pss);
        draft_write(&d, &bytes);
        r = world_check(&w, NULL, k->version, scheme ? scheme : recording.scheme, buf_span(&bytes), ret);
        buf_done(&bytes);
        draft_done(&d);
        recording_done(&recording);
        world_done(&w);
        return r;
}

static void assert_refused(int r, const CheckResult *result, RefusalCode code, const char *says) {
        if (r != 1 || result->code != code || !strstr(result->sentence, says))
                fail_msg("\"%s\": %d, %u: %s", says, r, result->code, result->sentence);
}

/* What a server may sign with: each is genuine but for the last columns. */
static void test_server_schemes(void **state) {
        static const struct {
                Case k;
                Scheme by;
                const char *offer; /* a list of one in wire form; NULL: libssl's */
                const char *says;  /* NULL: accepted */
        } rows[] = {
                {{TLS_VERSION_1_3, "rsa-2048", "ec-p256"}, {TLS_SCHEME_RSA_PSS_RSAE_SHA512, EVP_sha512, true}, NULL, NULL},
                {{TLS_VERSION_1_3, "rsa-2048", "ec-p256"},
                 {TLS_SCHEME_RSA_PKCS1_SHA256, EVP_sha256, false},
                 NULL,
                 "0x0401, which is not allowed in TLS 1.3"},
                {{TLS_VERSION_1_3, "rsa-2048", "ec-p256"}, {0x0201, EVP_sha1, false}, "\x00\x02\x02\x01", "0x0201, which is not allowed"},
                {{TLS_VERSION_1_3, "rsa-2048", "ec-p256"},
                 {TLS_SCHEME_RSA_PSS_PSS_SHA256, EVP_sha256, true},
                 NULL,
                 "rsa_pss_pss_sha256, which does not fit"},
                {{TLS_VERSION_1_3, "rsa-pss-2048", "ec-p256"},
                 {TLS_SCHEME_RSA_PSS_RSAE_SHA256, EVP_sha256, true},
                 NULL,
                 "rsa_pss_rsae_sha256, which does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, {TLS_SCHEME_ECDSA_SECP384R1_SHA384, EVP_sha384, false}, NULL, "does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"},
                 {TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256, false},
                 "\x00\x02\x05\x03",
                 "does not offer"},
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, {TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha384, false}, NULL, "not of this handshake"},
                {{TLS_VERSION_1_2, "rsa-2048", "ec-p256"}, {TLS_SCHEME_RSA_PKCS1_SHA256, EVP_sha256, false}, NULL, NULL},
                {{TLS_VERSION_1_2, "rsa-2048", "ec-p256"}, {TLS_SCHEME_RSA_PKCS1_SHA512, EVP_sha512, false}, NULL, NULL},
                {{TLS_VERSION_1_2, "rsa-2048", "ec-p256"}, {0x0201, EVP_sha1, false}, "\x00\x02\x02\x01", "0x0201, which is not allowed"},
                {{TLS_VERSION_1_2, "ec-p256", "ec-p256"}, {0x0203, EVP_sha1, false}, "\x00\x02\x02\x03", "0x0203, which is not allowed"},
                {{TLS_VERSION_1_2, "rsa-2048", "ec-p256"}, {0x0301, EVP_sha224, false}, "\x00\x02\x03\x01", "0x0301, which is not allowed"},
                {{TLS_VERSION_1_2, "ec-p256", "ec-p256"}, {TLS_SCHEME_ECDSA_SECP384R1_SHA384, EVP_sha384, false}, NULL, NULL},
                {{TLS_VERSION_1_2, "ec-p256", "ec-p256"},
                 {TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256, false},
                 "\x00\x02\x05\x03",
                 "does not offer"},
                {{TLS_VERSION_1_2, "rsa-2048", "ec-p256"}, {TLS_SCHEME_RSA_PSS_RSAE_SHA256, EVP_sha256, false}, NULL, "not of this handshake"},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                CheckResult result;
                int r = check_signed(&rows[i].k, &rows[i].by, NULL, rows[i].offer, 0, &result);

                if (rows[i].says)
                        assert_refused(r, &result, REFUSAL_SERVER_SIGNATURE, rows[i].says);
                else if (r != 0)
                        fail_msg("row %zu: %u: %s", i, result.code, result.sentence);
        }
}

/* A server that shows the right certificate and has another key */
static void test_other_key(void **state) {
        static const Case cases[] = {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, {TLS_VERSION_1_2, "ec-p256", "ec-p256"}};
        static const Scheme by = {TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256, false};

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                CheckResult result;
                int r = check_signed(&cases[i], &by, "ec-p256#impostor", NULL, 0, &result);

                assert_refused(r, &result, REFUSAL_SERVER_SIGNATURE, "not of this handshake");
        }
}

/* What the client may be made to sign with */
static void test_client_schemes(void **state) {
        static const struct {
                Case k;
                uint16_t scheme;
                const char *says; /* NULL: accepted */
        } rows[] = {
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, TLS_SCHEME_ECDSA_SECP256R1_SHA256, NULL},
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, TLS_SCHEME_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384 does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "ec-p256"}, TLS_SCHEME_ED25519, "ed25519 does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-2048"}, TLS_SCHEME_RSA_PSS_RSAE_SHA384, NULL},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-2048"}, TLS_SCHEME_RSA_PKCS1_SHA256, "0x0401 is not allowed in TLS 1.3"},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-2048"}, TLS_SCHEME_RSA_PSS_PSS_SHA256, "rsa_pss_pss_sha256 does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-pss-2048"}, TLS_SCHEME_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256 does not fit"},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-2048"}, 0x0201, "0x0201 is not allowed"},
                {{TLS_VERSION_1_3, "ec-p256", "rsa-2048"}, 0, NULL},
                {{TLS_VERSION_1_2, "ec-p256", "rsa-2048"}, TLS_SCHEME_RSA_PKCS1_SHA256, NULL},
                {{TLS_VERSION_1_2, "ec-p256", "rsa-2048"}, 0x0201, "0x0201 is not allowed"},
                {{TLS_VERSION_1_2, "ec-p256", "rsa-2048"}, TLS_SCHEME_ECDSA_SECP256R1_SHA256, "does not fit"},
                {{TLS_VERSION_1_2, "ec-p256", "ec-p384"}, TLS_SCHEME_ECDSA_SECP256R1_SHA256, NULL},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                CheckResult result;
                int r = check_signed(&rows[i].k, NULL, NULL, NULL, rows[i].scheme, &result);

                if (rows[i].says)
                        assert_refused(r, &result, REFUSAL_SCHEME, rows[i].says);
                else if (r != 0)
                        fail_msg("row %zu: %u: %s", i, result.code, result.sentence);
        }
}

/* The server asks for one scheme; another one that would fit the key is asked for. */
static void test_not_requested(void **state) {
        static const uint16_t versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "rsa-2048");
        for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
                RecordSpec spec = world_record_spec(&w, versions[i]);
                CheckResult result;
                Recording recording;
                int r;

                spec.server_schemes = "rsa_pss_rsae_sha256:ECDSA+SHA256";
                record_handshake(&spec, &recording);
                r = world_check(&w, NULL, versions[i], TLS_SCHEME_RSA_PSS_RSAE_SHA384, buf_span(&recording.transcript), &result);
                assert_refused(r, &result, REFUSAL_SCHEME, "does not take signatures with rsa_pss_rsae_sha384");
                recording_done(&recording);
        }
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_server_schemes),
                cmocka_unit_test(test_other_key),
                cmocka_unit_test(test_client_schemes),
                cmocka_unit_test(test_not_requested),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
