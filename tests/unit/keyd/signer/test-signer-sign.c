/* SPDX-License-Identifier: Apache-2.0 */

/* Every kind of key signs both versions, and what comes out verifies over bytes that are put together here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/rsa.h>

#include "tests/unit/keyd/signer/peer.h"

typedef struct Way {
        const char *type;
        uint16_t tls_version;
        uint16_t scheme;
        const char *digest;
        bool pss;
} Way;

static const Way ways[] = {
        {"rsa-2048", TLS_VERSION_1_3, TLS_SCHEME_RSA_PSS_RSAE_SHA256, "SHA256", true},
        {"rsa-2048", TLS_VERSION_1_3, TLS_SCHEME_RSA_PSS_RSAE_SHA384, "SHA384", true},
        {"rsa-2048", TLS_VERSION_1_3, TLS_SCHEME_RSA_PSS_RSAE_SHA512, "SHA512", true},
        {"rsa-2048", TLS_VERSION_1_2, TLS_SCHEME_RSA_PSS_RSAE_SHA256, "SHA256", true},
        {"rsa-2048", TLS_VERSION_1_2, TLS_SCHEME_RSA_PKCS1_SHA256, "SHA256", false},
        {"rsa-2048", TLS_VERSION_1_2, TLS_SCHEME_RSA_PKCS1_SHA384, "SHA384", false},
        {"rsa-2048", TLS_VERSION_1_2, TLS_SCHEME_RSA_PKCS1_SHA512, "SHA512", false},
        {"rsa-pss-2048", TLS_VERSION_1_3, TLS_SCHEME_RSA_PSS_PSS_SHA256, "SHA256", true},
        {"rsa-pss-2048", TLS_VERSION_1_2, TLS_SCHEME_RSA_PSS_PSS_SHA384, "SHA384", true},
        {"ec-p256", TLS_VERSION_1_3, TLS_SCHEME_ECDSA_SECP256R1_SHA256, "SHA256", false},
        {"ec-p256", TLS_VERSION_1_2, TLS_SCHEME_ECDSA_SECP256R1_SHA256, "SHA256", false},
        {"ec-p256", TLS_VERSION_1_2, TLS_SCHEME_ECDSA_SECP384R1_SHA384, "SHA384", false},
        {"ec-p384", TLS_VERSION_1_3, TLS_SCHEME_ECDSA_SECP384R1_SHA384, "SHA384", false},
        {"ec-p384", TLS_VERSION_1_2, TLS_SCHEME_ECDSA_SECP384R1_SHA384, "SHA384", false},
        {"ec-p521", TLS_VERSION_1_3, TLS_SCHEME_ECDSA_SECP521R1_SHA512, "SHA512", false},
        {"ed25519", TLS_VERSION_1_3, TLS_SCHEME_ED25519, NULL, false},
        {"ed25519", TLS_VERSION_1_2, TLS_SCHEME_ED25519, NULL, false},
        {"ed448", TLS_VERSION_1_3, TLS_SCHEME_ED448, NULL, false},
};

static const char *path;

static bool verifies(EVP_PKEY *key, const Way *w, Span tbs, Span signature) {
        EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *c;
        bool good;

        assert_int_equal(EVP_DigestVerifyInit_ex(md, &c, w->digest, NULL, NULL, key, NULL), 1);
        if (w->pss) {
                assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING), 1);
                assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(c, EVP_MD_get_size(EVP_MD_CTX_get0_md(md))), 1);
        }
        good = EVP_DigestVerify(md, signature.data, signature.size, tbs.data, tbs.size) == 1;
        EVP_MD_CTX_free(md);
        return good;
}

/* RFC 8446, 4.4.3 */
static void tbs_tls13(Span hash, Buf *ret) {
        for (unsigned i = 0; i < 64; i++)
                assert_int_equal(buf_append(ret, "\x20", 1), 0);
        assert_int_equal(buf_printf(ret, "TLS 1.3, client CertificateVerify"), 0);
        assert_int_equal(buf_append(ret, "", 1), 0);
        assert_int_equal(buf_append(ret, hash.data, hash.size), 0);
}

static void sign_and_verify(RoleProcess *p, const Way *w, uint64_t generation, EVP_PKEY *key, size_t hash_size) {
        _cleanup_(buf_done) Buf tbs = BUF_INIT(4096);
        MsgVerdict m = test_verdict(generation, w->tls_version, w->scheme, (Span) {});
        Span signature;

        if (w->tls_version == TLS_VERSION_1_3) {
                m.to_sign = test_hash(hash_size);
                tbs_tls13(m.to_sign, &tbs);
        } else {
                test_transcript(&tbs);
                m.to_sign = buf_span(&tbs);
        }

        signature = ask_signature(p, &m);
        assert_true(verifies(key, w, buf_span(&tbs), signature));

        /* The check above can fail. */
        tbs.data[tbs.size - 1] ^= 1;
        assert_false(verifies(key, w, buf_span(&tbs), signature));
}

static void sign_all(bool confined) {
        RoleProcess p;

        role_start(&p, path, confined);
        for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
                EVP_PKEY *key = test_key(ways[i].type);
                X509 *leaf = test_certificate("client", key, NULL, NULL, false);

                load_simple(&p, i + 1, key, leaf);
                sign_and_verify(&p, &ways[i], i + 1, key, 32);
                sign_and_verify(&p, &ways[i], i + 1, key, 48);
                X509_free(leaf);
                EVP_PKEY_free(key);
        }

        assert_true(role_log_has(&p, "\"MIDTLS_EVENT\":\"signature\"", 2 * ARRAY_SIZE(ways)));
        assert_int_equal(role_stop(&p), 0);
}

static void test_unconfined(void **state _unused_) {
        sign_all(false);
}

static void test_confined(void **state _unused_) {
        if (!role_can_be_confined())
                skip();
        sign_all(true);
}

/* One key, many handshakes: nothing is used up. */
static void test_many(void **state _unused_) {
        EVP_PKEY *key = test_key("ec-p256");
        X509 *leaf = test_certificate("client", key, NULL, NULL, false);
        RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        load_simple(&p, 1, key, leaf);
        for (unsigned i = 0; i < 300; i++)
                sign_and_verify(&p, &ways[9], 1, key, 32);
        role_log_clear(&p);
        assert_int_equal(role_stop(&p), 0);
        X509_free(leaf);
        EVP_PKEY_free(key);
}

static void test_record(void **state _unused_) {
        EVP_PKEY *key = test_key("ec-p256");
        X509 *leaf = test_certificate("client", key, NULL, NULL, false);
        MsgVerdict m = test_verdict(1, TLS_VERSION_1_3, TLS_SCHEME_ECDSA_SECP256R1_SHA256, test_hash(32));
        RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        assert_true(role_log_has(&p, "\"MIDTLS_EVENT\":\"sandbox\"", 1));
        load_simple(&p, 1, key, leaf);
        m.server_spki_sha256[0] = 0xab;
        m.transcript_sha256[0] = 0xcd;
        ask_signature(&p, &m);
        assert_true(role_log_has(&p, "\"MIDTLS_DESTINATION\":\"partner.example.com:443\"", 1));
        assert_true(role_log_has(&p, "\"MIDTLS_SERVER_SPKI_SHA256\":\"ab00", 1));
        assert_true(role_log_has(&p, "\"MIDTLS_TRANSCRIPT_SHA256\":\"cd00", 1));
        assert_true(role_log_has(&p, "\"MIDTLS_CLIENT_CERT_SHA256\":\"", 1));
        assert_true(role_log_has(&p, "\"MIDTLS_PROFILE\":\"p\"", 1));
        assert_true(role_log_has(&p, "\"MIDTLS_CALL_ID\":\"call-1\"", 1));
        assert_int_equal(role_stop(&p), 0);
        X509_free(leaf);
        EVP_PKEY_free(key);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_unconfined),
                cmocka_unit_test(test_confined),
                cmocka_unit_test(test_many),
                cmocka_unit_test(test_record),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
