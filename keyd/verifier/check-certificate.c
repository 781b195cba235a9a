/* SPDX-License-Identifier: Apache-2.0 */

/* server-certificate: what the server sent, and what its own certificate must say; a chain known from a moment ago is not parsed again */

#include <openssl/x509v3.h>

#include "common/parse.h"
#include "keyd/crypto/keytype.h"
#include "keyd/crypto/ossl.h"
#include "keyd/verifier/check-internal.h"

static int read_certificates(Check *c, STACK_OF(X509) *ret) {
        const CertificateList *l = &c->server_certificates;

        for (size_t i = 0; i < l->n_certificates; i++) {
                _cleanup_(X509_freep) X509 *certificate = NULL;
                const uint8_t *p = l->certificates[i].data;

                certificate = d2i_X509(NULL, &p, (long) l->certificates[i].size);
                if (!certificate || p != l->certificates[i].data + l->certificates[i].size)
                        return refuse(c, REFUSAL_SERVER_CERTIFICATE, "certificate %zu of the server's chain is no X.509 certificate", i + 1);
                if (sk_X509_push(ret, certificate) <= 0)
                        return -ENOMEM;
                TAKE_PTR(certificate);
        }
        return 0;
}

/* RFC 9525, 6.3 and 6.4: the names in subjectAltName decide, a wildcard stands for one whole label; the subject's CN never counts */
static bool certificate_has_name(X509 *leaf, Span name) {
        unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
        char text[PROTO_HOST_MAX + 1];

        if (name.size == 0 || name.size >= sizeof(text))
                return false;
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';

        /* To OpenSSL a leading dot means any name below; host_valid() does not let one pass. */
        if (!host_valid(text))
                return false;
        if (host_is_address(text))
                return X509_check_ip_asc(leaf, text, 0) == 1;
        return X509_check_host(leaf, text, 0, flags, NULL) == 1;
}

static int check_names(Check *c, X509 *leaf) {
        const TextList *allowed = c->policy->allowed_names;

        if (certificate_has_name(leaf, c->policy->host))
                return 0;
        for (size_t i = 0; allowed && i < allowed->n_items; i++)
                if (certificate_has_name(leaf, allowed->items[i]))
                        return 0;

        return refuse(c, REFUSAL_SERVER_CERTIFICATE, "the server's certificate is not for \"%.*s\"; put a name that it is for into AllowedNames",
                      SPAN_ARG(c->policy->host));
}

/*
 * RFC 5280, 4.2.1.3 and 4.2.1.12: what an extension that is there does not name is not allowed. OpenSSL's purpose of a TLS server also takes
 * keyEncipherment and SGC.
 */
static int check_usage(Check *c, X509 *leaf) {
        if (!(X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE))
                return refuse(c, REFUSAL_SERVER_CERTIFICATE,
                              "the server's certificate has a key usage without digitalSignature; its owner has to replace it");
        if (!(X509_get_extended_key_usage(leaf) & XKU_SSL_SERVER))
                return refuse(c, REFUSAL_SERVER_CERTIFICATE,
                              "the server's certificate has an extended key usage without serverAuth; its owner has to replace it");
        return 0;
}

static int check_key(Check *c, X509 *leaf) {
        EVP_PKEY *key = X509_get0_pubkey(leaf);
        char name[64] = "unknown";

        if (!key || keytype_name(key, name, sizeof(name)) != 0)
                return refuse(c, REFUSAL_SERVER_CERTIFICATE,
                              "the server's key (%s) is not allowed; use RSA of 2048 to 8192 bits, P-256, P-384, P-521 or EdDSA", name);
        return 0;
}

/* RFC 7469, 2.4: a pin is the SHA-256 of the SubjectPublicKeyInfo */
static int hash_spki(X509 *leaf, uint8_t ret[PROTO_PIN_SIZE]) {
        unsigned char *spki = NULL;
        int n, ok;

        n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);
        ok = n > 0 && EVP_Digest(spki, (size_t) n, ret, NULL, EVP_sha256(), NULL) == 1;
        OPENSSL_free(spki);
        return ok ? 0 : -ENOMEM;
}

/* Cheap, so it is done for known chains as well. */
static int check_pins(Check *c) {
        const TextList *pins = c->policy->pins;

        if (!pins || pins->n_items == 0)
                return 0;
        for (size_t i = 0; i < pins->n_items; i++)
                if (span_equal(pins->items[i], span_make(c->server.spki_sha256, sizeof(c->server.spki_sha256))))
                        return 0;

        return refuse(c, REFUSAL_SERVER_CERTIFICATE,
                      "the server's key is none of those that the profile pins; if it is a new one, change PinnedSPKI");
}

static int check_leaf(Check *c, X509 *leaf) {
        int r;

        r = check_key(c, leaf);
        if (r != 0)
                return r;
        r = check_usage(c, leaf);
        if (r != 0)
                return r;
        r = check_names(c, leaf);
        if (r != 0)
                return r;
        r = hash_spki(leaf, c->server.spki_sha256);
        if (r < 0)
                return r;

        c->server.key = X509_get_pubkey(leaf);
        return c->server.key ? 0 : -ENOMEM;
}

static int verify_chain(Check *c, const uint8_t cache_key[CHAIN_KEY_SIZE]) {
        _cleanup_(x509_stack_freep) STACK_OF(X509) *certificates = sk_X509_new_null();
        int64_t not_after;
        int r;

        if (!certificates)
                return -ENOMEM;

        r = read_certificates(c, certificates);
        if (r != 0)
                return r;
        r = check_chain(c, certificates, &not_after);
        if (r != 0)
                return r;
        r = check_leaf(c, sk_X509_value(certificates, 0));
        if (r != 0)
                return r;
        r = check_pins(c);
        if (r != 0)
                return r;

        chain_cache_add(c->cache, cache_key, c->now, not_after, &c->server);
        return 0;
}

int check_server_certificate(Check *c) {
        const CertificateList *l = &c->server_certificates;
        uint8_t cache_key[CHAIN_KEY_SIZE];
        int r;

        if (l->n_certificates == 0 || l->n_certificates > CERTIFICATES_MAX)
                return refuse(c, REFUSAL_SERVER_CERTIFICATE, "the server sent %zu certificates; it must send 1 to %u", l->n_certificates,
                              CERTIFICATES_MAX);

        r = chain_key_make(c->policy->profile, c->policy->generation, c->policy->host, l->certificates, l->n_certificates, cache_key);
        if (r < 0)
                return r;

        if (chain_cache_find(c->cache, cache_key, c->now, &c->server))
                return check_pins(c);
        return verify_chain(c, cache_key);
}
