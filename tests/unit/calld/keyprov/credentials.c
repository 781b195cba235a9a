/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/ec.h>
#include <openssl/x509v3.h>

#include "common/wire.h"
#include "tests/unit/calld/keyprov/credentials.h"

EVP_PKEY *credentials_make_key(const char *type) {
        EVP_PKEY *key = NULL;

        if (strcmp(type, "rsa-2048") == 0)
                key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t) 2048);
        else if (strcmp(type, "ec-p256") == 0)
                key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
        else if (strcmp(type, "ec-p384") == 0)
                key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-384");
        else if (strcmp(type, "ed25519") == 0)
                key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
        else if (strcmp(type, "ed448") == 0)
                key = EVP_PKEY_Q_keygen(NULL, NULL, "ED448");

        ASSERT(key);
        return key;
}

static void add_extension(X509 *certificate, X509 *issuer, int nid, const char *value) {
        X509_EXTENSION *extension;
        X509V3_CTX ctx;

        X509V3_set_ctx_nodb(&ctx);
        X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
        extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
        ASSERT(extension && X509_add_ext(certificate, extension, -1) == 1);
        X509_EXTENSION_free(extension);
}

X509 *credentials_make_certificate(EVP_PKEY *key, const char *name, EVP_PKEY *issuer_key, X509 *issuer) {
        static long serial = 1;
        X509 *c = X509_new();
        X509_NAME *subject = X509_NAME_new();
        const EVP_MD *md;
        char names[256];

        ASSERT(c && subject);
        ASSERT(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *) name, -1, -1, 0) == 1);
        ASSERT(X509_set_version(c, X509_VERSION_3) == 1 && ASN1_INTEGER_set(X509_get_serialNumber(c), serial++) == 1);
        ASSERT(X509_set_subject_name(c, subject) == 1);
        ASSERT(X509_set_issuer_name(c, issuer ? X509_get_subject_name(issuer) : subject) == 1);
        ASSERT(X509_gmtime_adj(X509_getm_notBefore(c), -3600) && X509_gmtime_adj(X509_getm_notAfter(c), 86400));
        ASSERT(X509_set_pubkey(c, key) == 1);

        if (issuer) {
                snprintf(names, sizeof(names), "DNS:%s", name);
                add_extension(c, issuer, NID_subject_alt_name, names);
                add_extension(c, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
        } else {
                add_extension(c, c, NID_basic_constraints, "critical,CA:TRUE");
                add_extension(c, c, NID_key_usage, "critical,keyCertSign,cRLSign,digitalSignature");
        }

        md = EVP_PKEY_is_a(issuer_key, "ED25519") || EVP_PKEY_is_a(issuer_key, "ED448") ? NULL : EVP_sha256();
        ASSERT(X509_sign(c, issuer_key, md) > 0);
        X509_NAME_free(subject);
        return c;
}

void credentials_append(Buf *list, X509 *certificate) {
        unsigned char *der = NULL;
        WireWriter w;
        int n;

        n = i2d_X509(certificate, &der);
        ASSERT(n > 0);
        wire_writer_init(&w, list);
        wire_put_vector(&w, 3, span_make(der, (size_t) n));
        ASSERT(wire_writer_end(&w) == 0);
        OPENSSL_free(der);
}
