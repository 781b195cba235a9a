/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "calld/call/detail.h"
#include "calld/call/tls.h"
#include "calld/keyprov/handle.h"
#include "common/parse.h"

/* keyd signs in TLS 1.2 for ECDHE with AEAD only; SHA-1 and SHA-224 are offered nowhere. */
#define TLS_CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"
#define TLS_SIGNATURE_ALGORITHMS                                                                        \
        "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:ed448:rsa_pss_rsae_sha256:rsa_pss_rsae_sha384:" \
        "rsa_pss_rsae_sha512:rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:RSA+SHA256:RSA+SHA384:RSA+SHA512"

DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(GENERAL_NAMES *, GENERAL_NAMES_free)

static void add_name(char *list, size_t size, const char *name) {
        size_t n = strlen(list), more = strlen(name);

        if (n + more + 3 > size)
                return;
        if (n > 0) {
                memcpy(list + n, ", ", 2);
                n += 2;
        }
        memcpy(list + n, name, more + 1);
}

/* The DNS names of a certificate, for people; a name with a control character in it is left out. */
static void collect_names(X509 *certificate, char *ret, size_t size) {
        _cleanup_(GENERAL_NAMES_freep) GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);

        for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
                const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
                char text[256];

                if (name->type != GEN_DNS || ASN1_STRING_length(name->d.dNSName) >= (int) sizeof(text))
                        continue;
                snprintf(text, sizeof(text), "%.*s", ASN1_STRING_length(name->d.dNSName), (const char *) ASN1_STRING_get0_data(name->d.dNSName));
                if (host_valid(text) || text[0] == '*')
                        add_name(ret, size, text);
        }
}

static void describe_server(Handshake *h, X509 *certificate) {
        if (!X509_NAME_oneline(X509_get_subject_name(certificate), h->server_subject, sizeof(h->server_subject)))
                h->server_subject[0] = '\0';
        if (!X509_NAME_oneline(X509_get_issuer_name(certificate), h->server_issuer, sizeof(h->server_issuer)))
                h->server_issuer[0] = '\0';
        h->server_names[0] = '\0';
        collect_names(certificate, h->server_names, sizeof(h->server_names));
}

/* RFC 9525, 6.3 and 6.4: the names in subjectAltName decide, a wildcard stands for one whole label; the subject's CN never counts. */
static bool certificate_has_name(X509 *certificate, Span name) {
        unsigned flags = X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS;
        char text[PROTO_HOST_MAX + 1];

        if (name.size == 0 || name.size >= sizeof(text))
                return false;
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';

        if (host_is_address(text))
                return X509_check_ip_asc(certificate, text, 0) == 1;
        return X509_check_host(certificate, text, 0, flags, NULL) == 1;
}

static bool certificate_has_any_name(X509 *certificate, const Connection *c) {
        const TextList *allowed = &c->profile->m.allowed_names;

        if (certificate_has_name(certificate, c->m.host))
                return true;
        for (size_t i = 0; i < allowed->n_items; i++)
                if (certificate_has_name(certificate, allowed->items[i]))
                        return true;
        return false;
}

/* RFC 7469, 2.4: a pin is the SHA-256 of the SubjectPublicKeyInfo */
static bool certificate_is_pinned(X509 *certificate, const TextList *pins) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned char *spki = NULL;
        unsigned size = 0;
        int n, ok;

        if (pins->n_items == 0)
                return true;

        n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &spki);
        ok = n > 0 && EVP_Digest(spki, (size_t) n, digest, &size, EVP_sha256(), NULL) == 1;
        OPENSSL_free(spki);

        for (size_t i = 0; ok && i < pins->n_items; i++)
                if (span_equal(span_make(digest, size), pins->items[i]))
                        return true;
        return false;
}

/* Chain, then name, then pins: all before our certificate goes out and before keyd is asked. */
static bool verify(X509_STORE_CTX *store_ctx, X509 *certificate, const Connection *c, Handshake *h) {
        if (X509_verify_cert(store_ctx) != 1) {
                h->verify_error = X509_STORE_CTX_get_error(store_ctx);
                h->verify_depth = X509_STORE_CTX_get_error_depth(store_ctx);
                return false;
        }

        h->name_mismatch = !certificate_has_any_name(certificate, c);
        h->pin_mismatch = !h->name_mismatch && !certificate_is_pinned(certificate, &c->profile->m.pins);
        if (h->name_mismatch || h->pin_mismatch) {
                h->verify_error = h->name_mismatch ? X509_V_ERR_HOSTNAME_MISMATCH : X509_V_ERR_APPLICATION_VERIFICATION;
                X509_STORE_CTX_set_error(store_ctx, h->verify_error);
                return false;
        }

        return true;
}

static int on_verify(X509_STORE_CTX *store_ctx, void *arg) {
        SSL *ssl = X509_STORE_CTX_get_ex_data(store_ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
        Handshake *h = handshake_of(SSL_get_SSL_CTX(ssl));
        X509 *certificate = X509_STORE_CTX_get0_cert(store_ctx);
        Connection *c = arg;
        uint8_t digest[32];
        bool can_cache;

        if (!h || !certificate)
                return 0;

        describe_server(h, certificate);
        if (h->detail)
                detail_add_chain(h->detail, store_ctx);
        can_cache = verify_cache_digest(certificate, X509_STORE_CTX_get0_untrusted(store_ctx), digest) == 0;
        if (!can_cache || !verify_cache_has(&c->pool->verified, digest)) {
                if (!verify(store_ctx, certificate, c, h))
                        return 0;
                if (can_cache)
                        verify_cache_add(&c->pool->verified, digest, X509_STORE_CTX_get0_chain(store_ctx));
        }

        h->server_verified = true;
        return 1;
}

typedef int (*SecurityCallback)(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other, void *ex);

/* How strong the signatures in our own chain are is for the server to judge; keyd warns of them. What is the peer's has another op. */
static int on_security(const SSL *ssl, const SSL_CTX *ctx, int op, int bits, int nid, void *other, void *ex) {
        SecurityCallback usual = (SecurityCallback) ex;

        return op == SSL_SECOP_CA_MD ? 1 : usual(ssl, ctx, op, bits, nid, other, NULL);
}

static bool set_policy(SSL_CTX *ctx, Connection *c) {
        SSL_CTX_set_security_level(ctx, 2);
        SSL_CTX_set0_security_ex_data(ctx, (void *) SSL_CTX_get_security_callback(ctx));
        SSL_CTX_set_security_callback(ctx, on_security);
        SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
        SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_cert_verify_callback(ctx, on_verify, c);
        SSL_CTX_set1_cert_store(ctx, c->profile->ca->store);

        /* RFC 8446, 4.2.6: without the extension the server must not ask later, when no transcript of ours would fit */
        SSL_CTX_set_post_handshake_auth(ctx, 0);

        return SSL_CTX_set_min_proto_version(ctx, MAX_OF((int) c->profile->m.minimum_tls, TLS1_2_VERSION)) == 1 &&
               SSL_CTX_set_cipher_list(ctx, TLS_CIPHERS) == 1 && SSL_CTX_set1_sigalgs_list(ctx, TLS_SIGNATURE_ALGORITHMS) == 1;
}

int tls_prepare(SSL_CTX *ctx, Connection *c, Handshake *h, KeyClient *client) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        EVP_PKEY *public_key = X509_get0_pubkey(c->pool->leaf);
        int r;

        if (!public_key)
                return -EOPNOTSUPP;

        r = handle_new(public_key, h, client, &key);
        if (r < 0)
                return r;

        r = set_policy(ctx, c) && SSL_CTX_use_certificate(ctx, c->pool->leaf) == 1 && SSL_CTX_set1_chain(ctx, c->pool->chain) == 1 &&
                            SSL_CTX_use_PrivateKey(ctx, key) == 1
                    ? handshake_attach(h, ctx)
                    : -EIO;
        ERR_clear_error();
        return r;
}
