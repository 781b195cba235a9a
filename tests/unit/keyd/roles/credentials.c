/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/roles/credentials.h"

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define DAY 86400

static EVP_PKEY *rsa_key(const char *name) {
        EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, name, NULL);
        EVP_PKEY *key = NULL;

        ASSERT(c && EVP_PKEY_keygen_init(c) == 1 && EVP_PKEY_CTX_set_rsa_keygen_bits(c, 2048) == 1 && EVP_PKEY_generate(c, &key) == 1);
        EVP_PKEY_CTX_free(c);
        return key;
}

EVP_PKEY *test_key(const char *type) {
        static const struct { const char *type, *curve; } curves[] = {{"ec-p256", "P-256"}, {"ec-p384", "P-384"}, {"ec-p521", "P-521"}};
        EVP_PKEY *key;

        for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
                if (strcmp(type, curves[i].type) == 0) {
                        key = EVP_EC_gen(curves[i].curve);
                        ASSERT(key);
                        return key;
                }

        if (strncmp(type, "rsa-pss", 7) == 0)
                return rsa_key("RSA-PSS");
        if (strncmp(type, "rsa", 3) == 0)
                return rsa_key("RSA");

        key = EVP_PKEY_Q_keygen(NULL, NULL, strcmp(type, "ed448") == 0 ? "ED448" : "ED25519");
        ASSERT(key);
        return key;
}

static void add_extension(X509 *x, int nid, const char *value) {
        X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

        ASSERT(e && X509_add_ext(x, e, -1) == 1);
        X509_EXTENSION_free(e);
}

static const EVP_MD *digest_for(EVP_PKEY *key) {
        int id = EVP_PKEY_get_base_id(key);

        return id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448 ? NULL : EVP_sha256();
}

X509 *test_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, bool is_ca) {
        static long serial;
        X509_NAME *subject;
        X509 *x = X509_new();

        ASSERT(x && X509_set_version(x, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial) == 1);
        ASSERT(X509_gmtime_adj(X509_getm_notBefore(x), -DAY) && X509_gmtime_adj(X509_getm_notAfter(x), DAY));

        subject = X509_get_subject_name(x);
        ASSERT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const uint8_t *) name, -1, -1, 0) == 1);
        ASSERT(X509_set_issuer_name(x, issuer ? X509_get_subject_name(issuer) : subject) == 1 && X509_set_pubkey(x, key) == 1);
        add_extension(x, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "CA:FALSE");

        key = issuer_key ? issuer_key : key;
        ASSERT(X509_sign(x, key, digest_for(key)) > 0);
        return x;
}

void test_der(X509 *x, Buf *ret) {
        uint8_t *der = NULL;
        int size = i2d_X509(x, &der);

        ASSERT(size > 0 && buf_append(ret, der, (size_t) size) == 0);
        OPENSSL_free(der);
}

static Secret *pkcs8_of(EVP_PKEY *key) {
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        uint8_t *der = NULL;
        Secret *s = NULL;
        int size = i2d_PKCS8_PRIV_KEY_INFO(info, &der);

        ASSERT(size > 0 && secret_new_from(der, (size_t) size, &s) == 0);
        OPENSSL_clear_free(der, (size_t) size);
        PKCS8_PRIV_KEY_INFO_free(info);
        return s;
}

KeyHandover test_handover(const char *profile, uint64_t generation, EVP_PKEY *key, X509 *leaf) {
        _cleanup_(buf_done) Buf der = BUF_INIT(PROTO_CERTIFICATE_MAX);
        KeyHandover h = {.generation = generation, .not_before = (uint64_t) time(NULL) - DAY, .not_after = (uint64_t) time(NULL) + DAY};

        test_der(leaf, &der);
        snprintf(h.profile, sizeof(h.profile), "%s", profile);
        h.pkcs8 = pkcs8_of(key);
        ASSERT(secret_new_from(der.data, der.size, &h.leaf) == 0);
        return h;
}
