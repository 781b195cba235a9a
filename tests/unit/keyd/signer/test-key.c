/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keyd/signer/key.h"
#include "tests/unit/keyd/roles/credentials.h"

static SigningKey *make(const char *type) {
        EVP_PKEY *key = test_key(type);
        X509 *leaf = test_certificate("client", key, NULL, NULL, false);
        KeyHandover h = test_handover("p", 5, key, leaf);
        SigningKey *k = NULL;
        const char *reason;

        assert_int_equal(signing_key_new(&h, &k, &reason), 0);
        key_handover_done(&h);
        X509_free(leaf);
        EVP_PKEY_free(key);
        return k;
}

/* The public key is not the private one's, as after a fault: no signature comes out. */
static void faulty(const char *type, uint16_t scheme) {
        _cleanup_(signing_key_freep) SigningKey *k = make(type), *other = make(type);
        const Scheme *s = scheme_find(scheme, TLS_VERSION_1_3, k->kind);
        uint8_t signature[PROTO_SIGNATURE_MAX], zeroes[PROTO_SIGNATURE_MAX] = {};
        EVP_PKEY *public_key = k->public_key;
        size_t size;

        assert_int_equal(signing_key_sign(k, s, SPAN_LITERAL("tbs"), signature, &size), 0);
        k->public_key = other->public_key;
        assert_int_equal(signing_key_sign(k, s, SPAN_LITERAL("tbs"), signature, &size), -EIO);
        assert_memory_equal(signature, zeroes, sizeof(signature));
        k->public_key = public_key;
}

static void test_faulty_signature(void **state _unused_) {
        faulty("rsa-2048", TLS_SCHEME_RSA_PSS_RSAE_SHA256);
        faulty("ec-p256", TLS_SCHEME_ECDSA_SECP256R1_SHA256);
        faulty("ed25519", TLS_SCHEME_ED25519);
}

static void test_content(void **state _unused_) {
        _cleanup_(signing_key_freep) SigningKey *k = make("ec-p384");

        assert_string_equal(k->profile, "p");
        assert_int_equal(k->generation, 5);
        assert_int_equal(k->kind, KEY_EC_P384);
        assert_true(k->not_before < k->not_after);
        assert_int_equal(k->forget_usec, USEC_INFINITY);
}

/* One byte behind the key or the certificate, or one too few. */
static void test_trailing_bytes(void **state _unused_) {
        EVP_PKEY *key = test_key("ec-p256");
        X509 *leaf = test_certificate("client", key, NULL, NULL, false);

        for (unsigned what = 0; what < 4; what++) {
                _cleanup_(key_handover_done) KeyHandover h = test_handover("p", 1, key, leaf);
                Secret **part = what < 2 ? &h.leaf : &h.pkcs8, *old = *part;
                const char *reason = NULL;
                SigningKey *k = NULL;

                assert_int_equal(secret_new(secret_size(old) + 1, part), 0);
                memcpy(secret_writable(*part), secret_data(old), secret_size(old) + 1);
                secret_set_size(*part, what % 2 == 0 ? secret_size(old) + 1 : secret_size(old) - 1);
                secret_free(old);
                assert_int_equal(signing_key_new(&h, &k, &reason), SIGNING_KEY_E_UNUSABLE);
                assert_non_null(reason);
        }
        X509_free(leaf);
        EVP_PKEY_free(key);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faulty_signature),
                cmocka_unit_test(test_content),
                cmocka_unit_test(test_trailing_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
