/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/pki.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <openssl/x509v3.h>

#define KEYS_MAX 32U

typedef struct NamedKey {
        char name[32];
        EVP_PKEY *key;
} NamedKey;

static NamedKey keys[KEYS_MAX];
static size_t n_keys;

/* P-256 by its numbers and not by its name */
static EVP_PKEY *make_explicit(void) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");

        ASSERT(key && EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT) == 1);
        return key;
}

/* A modulus of that size is enough for a certificate; to find primes for it would take long. */
static EVP_PKEY *make_rsa_public(int bits) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
        OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
        OSSL_PARAM *parameters;
        BIGNUM *n = BN_new();
        EVP_PKEY *key = NULL;

        ASSERT(ctx && builder && n && BN_rand(n, bits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ODD) == 1);
        ASSERT(OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
               OSSL_PARAM_BLD_push_ulong(builder, OSSL_PKEY_PARAM_RSA_E, 65537) == 1);
        parameters = OSSL_PARAM_BLD_to_param(builder);
        ASSERT(parameters && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) == 1);
        OSSL_PARAM_free(parameters);
        OSSL_PARAM_BLD_free(builder);
        EVP_PKEY_CTX_free(ctx);
        BN_free(n);
        return key;
}

static EVP_PKEY *make_key(const char *kind) {
        static const struct {
                const char *kind, *type, *group;
                size_t bits;
        } rows[] = {
                {"rsa-2048", "RSA", NULL, 2048},         {"rsa-3072", "RSA", NULL, 3072}, {"rsa-1024", "RSA", NULL, 1024},
                {"rsa-pss-2048", "RSA-PSS", NULL, 2048}, {"ec-p256", "EC", "P-256", 0},   {"ec-p384", "EC", "P-384", 0},
                {"ec-p521", "EC", "P-521", 0},           {"ec-p224", "EC", "P-224", 0},   {"ec-k256", "EC", "secp256k1", 0},
                {"ed25519", "ED25519", NULL, 0},         {"ed448", "ED448", NULL, 0},
        };
        size_t size = strcspn(kind, "#");

        if (strcmp(kind, "ec-explicit") == 0)
                return make_explicit();
        if (strcmp(kind, "rsa-8200") == 0)
                return make_rsa_public(8200);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                if (strlen(rows[i].kind) != size || strncmp(rows[i].kind, kind, size) != 0)
                        continue;
                if (rows[i].group)
                        return EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type, rows[i].group);
                if (strcmp(rows[i].type, "RSA-PSS") == 0) {
                        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
                        EVP_PKEY *key = NULL;

                        ASSERT(ctx && EVP_PKEY_keygen_init(ctx) == 1 && EVP_PKEY_generate(ctx, &key) == 1);
                        EVP_PKEY_CTX_free(ctx);
                        return key;
                }
                return rows[i].bits > 0 ? EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type, rows[i].bits) : EVP_PKEY_Q_keygen(NULL, NULL, rows[i].type);
        }
        return NULL;
}

EVP_PKEY *pki_key(const char *name) {
        for (size_t i = 0; i < n_keys; i++)
                if (strcmp(keys[i].name, name) == 0)
                        return keys[i].key;

        ASSERT(n_keys < KEYS_MAX);
        keys[n_keys].key = make_key(name);
        ASSERT(keys[n_keys].key);
        snprintf(keys[n_keys].name, sizeof(keys[n_keys].name), "%s", name);
        return keys[n_keys++].key;
}

void pki_done(void) {
        for (size_t i = 0; i < n_keys; i++)
                EVP_PKEY_free(keys[i].key);
        n_keys = 0;
}

static void add_extension(X509 *c, X509 *issuer, int nid, const char *value) {
        X509_EXTENSION *e;
        X509V3_CTX ctx;

        if (!value)
                return;
        X509V3_set_ctx_nodb(&ctx);
        X509V3_set_ctx(&ctx, issuer, c, NULL, NULL, 0);
        e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        ASSERT(e && X509_add_ext(c, e, -1) == 1);
        X509_EXTENSION_free(e);
}

static const EVP_MD *digest_for(const EVP_PKEY *key, const EVP_MD *wanted) {
        if (EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448"))
                return NULL;
        return wanted ? wanted : EVP_sha256();
}

X509 *pki_certificate(const CertificateSpec *spec) {
        EVP_PKEY *signer = spec->issuer_key ? spec->issuer_key : spec->key;
        int64_t from = spec->from || spec->to ? spec->from : -86400, to = spec->from || spec->to ? spec->to : 86400;
        static long serial = 1;
        X509 *c = X509_new();
        X509_NAME *subject = c ? X509_get_subject_name(c) : NULL;
        X509 *issuer = spec->issuer ? spec->issuer : c;

        ASSERT(c && X509_set_version(c, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(c), serial++) == 1);
        ASSERT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) spec->name, -1, -1, 0) == 1);
        ASSERT(X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1);
        ASSERT(ASN1_TIME_set(X509_getm_notBefore(c), (time_t) (PKI_NOW + from)) && ASN1_TIME_set(X509_getm_notAfter(c), (time_t) (PKI_NOW + to)));
        ASSERT(X509_set_pubkey(c, spec->key) == 1);

        add_extension(c, issuer, NID_basic_constraints, spec->ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
        add_extension(c, issuer, NID_subject_alt_name, spec->alt_names);
        add_extension(c, issuer, NID_key_usage, spec->key_usage);
        add_extension(c, issuer, NID_ext_key_usage, spec->ext_key_usage);
        add_extension(c, issuer, NID_name_constraints, spec->name_constraints);
        add_extension(c, issuer, NID_netscape_comment, spec->comment);

        ASSERT(X509_sign(c, signer, digest_for(signer, spec->md)) > 0);
        return c;
}

X509_CRL *pki_crl(X509 *issuer, EVP_PKEY *issuer_key, X509 *revoked) {
        X509_CRL *crl = X509_CRL_new();
        ASN1_TIME *t = ASN1_TIME_new();

        ASSERT(crl && t && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer)) == 1);
        ASSERT(ASN1_TIME_set(t, (time_t) (PKI_NOW - 3600)) && X509_CRL_set1_lastUpdate(crl, t) == 1);
        if (revoked) {
                X509_REVOKED *r = X509_REVOKED_new();

                ASSERT(r && X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked)) == 1 && X509_REVOKED_set_revocationDate(r, t) == 1);
                ASSERT(X509_CRL_add0_revoked(crl, r) == 1);
        }
        ASSERT(ASN1_TIME_set(t, (time_t) (PKI_NOW + 3600)) && X509_CRL_set1_nextUpdate(crl, t) == 1);
        ASSERT(X509_CRL_sort(crl) == 1 && X509_CRL_sign(crl, issuer_key, digest_for(issuer_key, NULL)) > 0);
        ASN1_TIME_free(t);
        return crl;
}

Span pki_der(X509 *certificate) {
        unsigned char *der = NULL;
        int n = i2d_X509(certificate, &der);

        ASSERT(n > 0);
        return span_make(der, (size_t) n);
}
