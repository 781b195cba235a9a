/* SPDX-License-Identifier: Apache-2.0 */

/* What must be signed is signed: genuine handshakes of both versions with all kinds of keys */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/keyd/verifier/world.h"

static const uint16_t versions[] = {TLS_VERSION_1_2, TLS_VERSION_1_3};

static void assert_accepted(const World *w, const RecordSpec *spec) {
        CheckResult result;
        int r = world_check_genuine(w, spec, &result);

        if (r != 0)
                fail_msg("TLS 0x%04x: %d, %u: %s", spec->version, r, result.code, result.sentence);
        assert_int_equal(result.transcript_hash_size, spec->version == TLS_VERSION_1_2 ? 0 : spec->suites_1_3 ? 32 : 48);
}

static void test_keys(void **state) {
        static const char *const servers[] = {"rsa-2048", "ec-p256", "ec-p384", "ed25519", "rsa-pss-2048", "ec-p521", "ed448"};
        static const char *const clients[] = {"ec-p256", "rsa-2048", "ec-p384", "ed25519", "rsa-pss-2048", "ec-p521", "ed448"};

        (void) state;
        for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
                for (size_t i = 0; i < ARRAY_SIZE(servers); i++) {
                        World w;
                        RecordSpec spec;

                        world_init(&w, "ec-p256", servers[i], clients[i]);
                        spec = world_record_spec(&w, versions[v]);
                        assert_accepted(&w, &spec);
                        world_done(&w);
                }
        }
}

static void test_suites(void **state) {
        World w;

        (void) state;
        world_init(&w, "ec-p256", "rsa-2048", "rsa-2048");
        for (size_t i = 0; i < 3; i++) {
                static const char *const suites[] = {"ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305"};
                RecordSpec spec = world_record_spec(&w, TLS_VERSION_1_2);

                spec.server_suites_1_2 = suites[i];
                assert_accepted(&w, &spec);
        }
        for (size_t i = 0; i < 2; i++) {
                static const char *const suites[] = {"TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"};
                RecordSpec spec = world_record_spec(&w, TLS_VERSION_1_3);

                spec.suites_1_3 = suites[i];
                assert_accepted(&w, &spec);
        }
        world_done(&w);
}

/* PSS and PKCS#1 v1.5 of the same RSA client in TLS 1.2 */
static void test_schemes(void **state) {
        static const char *const schemes[] = {
                /* PKCS#1 v1.5, then PSS */
                "RSA+SHA256", "RSA+SHA384", "RSA+SHA512", "rsa_pss_rsae_sha256", "rsa_pss_rsae_sha384", "rsa_pss_rsae_sha512",
        };
        World w;

        (void) state;
        world_init(&w, "ec-p256", "rsa-2048", "rsa-2048");
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
                RecordSpec spec = world_record_spec(&w, TLS_VERSION_1_2);

                spec.server_schemes = schemes[i];
                assert_accepted(&w, &spec);
        }
        world_done(&w);
}

/* RFC 8446, 4.2.3: in TLS 1.2 the curve is not part of the scheme */
static void test_curve_and_hash(void **state) {
        RecordSpec spec;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p384");
        spec = world_record_spec(&w, TLS_VERSION_1_2);
        spec.server_schemes = "ECDSA+SHA256";
        assert_accepted(&w, &spec);
        spec.server_schemes = "ECDSA+SHA512";
        assert_accepted(&w, &spec);
        world_done(&w);
}

static void test_retry(void **state) {
        RecordSpec spec;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        spec.server_groups = "P-384";
        assert_accepted(&w, &spec);
        spec.suites_1_3 = "TLS_AES_128_GCM_SHA256";
        assert_accepted(&w, &spec);
        world_done(&w);
}

/* The server offers to do worse, as it may. */
static void test_old_server(void **state) {
        RecordSpec spec;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_2);
        spec.server_max_1_2 = true;
        assert_accepted(&w, &spec);
        world_done(&w);
}

static void test_alpn(void **state) {
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
                RecordSpec spec = world_record_spec(&w, versions[v]);

                spec.alpn = "\x02h2\x08http/1.1";
                assert_accepted(&w, &spec);
        }
        world_done(&w);
}

static void test_case_of_names(void **state) {
        RecordSpec spec;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        spec.host = "PARTNER.Example.com";
        assert_accepted(&w, &spec);
        world_done(&w);
}

/* Addresses: no server_name, an iPAddress in subjectAltName */
static void test_addresses(void **state) {
        static const char *const addresses[] = {"192.0.2.7", "2001:db8::7"};
        CertificateSpec server;
        World w;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        server = world_server_spec(&w);
        server.alt_names = "IP:192.0.2.7,IP:2001:db8::7";
        world_set_server(&w, &server);
        for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
                RecordSpec spec = world_record_spec(&w, versions[i]);

                spec.host = NULL;
                w.policy.host = span_from_string(addresses[i]);
                assert_accepted(&w, &spec);
        }
        world_done(&w);
}

/* 20 kB of certificates, more than a record holds */
static void test_long_chain(void **state) {
        static char comment[18000];
        CertificateSpec server;
        World w;

        (void) state;
        memset(comment, 'c', sizeof(comment) - 1);
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        server = world_server_spec(&w);
        server.comment = comment;
        world_set_server(&w, &server);
        for (size_t v = 0; v < ARRAY_SIZE(versions); v++) {
                RecordSpec spec = world_record_spec(&w, versions[v]);

                assert_accepted(&w, &spec);
        }
        world_done(&w);
}

/* What the signer is to sign: compared with the hash taken in another way. */
static void test_result(void **state) {
        Buf der = BUF_INIT(1024);
        uint8_t hash[48], spki[32], *p = NULL;
        Recording recording;
        CheckResult result;
        RecordSpec spec;
        World w;
        int n;

        (void) state;
        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, TLS_VERSION_1_3);
        record_handshake(&spec, &recording);
        assert_int_equal(world_check(&w, NULL, TLS_VERSION_1_3, recording.scheme, buf_span(&recording.transcript), &result), 0);

        assert_int_equal(EVP_Digest(recording.transcript.data, recording.transcript.size, hash, NULL, EVP_sha384(), NULL), 1);
        assert_int_equal(result.transcript_hash_size, 48);
        assert_memory_equal(result.transcript_hash, hash, 48);

        n = i2d_PUBKEY(w.server_key, &p);
        assert_true(n > 0);
        assert_int_equal(EVP_Digest(p, (size_t) n, spki, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(result.server_spki_sha256, spki, 32);
        OPENSSL_free(p);
        buf_done(&der);
        recording_done(&recording);
        world_done(&w);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys),           cmocka_unit_test(test_suites),        cmocka_unit_test(test_schemes),
                cmocka_unit_test(test_curve_and_hash), cmocka_unit_test(test_retry),         cmocka_unit_test(test_old_server),
                cmocka_unit_test(test_alpn),           cmocka_unit_test(test_case_of_names), cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_long_chain),     cmocka_unit_test(test_result),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
