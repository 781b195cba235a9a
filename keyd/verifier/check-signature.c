/* SPDX-License-Identifier: Apache-2.0 */

/* server-signature: the server holds its certificate's key, in this very handshake */

#include "keyd/crypto/ossl.h"
#include "keyd/verifier/check-internal.h"
#include "keyd/verifier/scheme.h"

/* RFC 8422, 5.4 */
#define CURVE_TYPE_NAMED_CURVE 3

#define HASH_SIZE_MAX 48U

/* RFC 8446, 4.4.3 */
#define SIGNED_PADDING_SIZE 64U
#define SIGNED_PADDING_BYTE 0x20
static const char signed_context[] = "TLS 1.3, server CertificateVerify"; /* with its zero byte */

#define SIGNED_MAX_1_3 (SIGNED_PADDING_SIZE + sizeof(signed_context) + HASH_SIZE_MAX)
#define SIGNED_MAX_1_2 (2 * 32U + 4 + UINT8_MAX)

static int verify(Check *c, const DigitallySigned *by, Span signed_bytes) {
        const SignatureScheme *s = scheme_find(by->scheme, c->version);
        int r;

        if (!s)
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the server signed with scheme 0x%04x, which is not allowed in TLS 1.%d", by->scheme,
                              c->version == TLS_VERSION_1_3 ? 3 : 2);
        /* RFC 8446, 4.4.3: the signature algorithm MUST be one offered in the client's "signature_algorithms" extension */
        if (!u16_list_has(check_client_hello(c)->signature_algorithms, s->code))
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the server signed with %s, which the ClientHello does not offer", s->name);
        if (!scheme_fits_key(s, c->server.key, c->version))
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the server signed with %s, which does not fit the key in its certificate", s->name);

        r = scheme_verify(s, c->server.key, signed_bytes, by->signature);
        if (r < 0)
                return r;
        if (r > 0)
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the server's signature is not of this handshake by the key in its certificate");
        return 0;
}

/* Everything between two positions of the transcript. */
static bool hash_part(EVP_MD_CTX *md, const Transcript *t, size_t from, size_t to) {
        return EVP_DigestUpdate(md, t->bytes.data + from, to - from) == 1;
}

/* RFC 8446, 4.4.1: after a HelloRetryRequest a message_hash message stands for the first ClientHello */
static bool hash_hellos(EVP_MD_CTX *md, const Check *c, const EVP_MD *digest, size_t *ret_end) {
        const Transcript *t = &c->transcript;
        uint8_t synthetic[4 + HASH_SIZE_MAX] = {254, 0, 0, (uint8_t) c->suite->hash_size};

        *ret_end = 0;
        if (!t->hello_retry_request)
                return true;

        *ret_end = t->client_hello->end;
        return EVP_Digest(t->bytes.data, t->client_hello->end, synthetic + 4, NULL, digest, NULL) == 1 &&
               EVP_DigestUpdate(md, synthetic, 4 + c->suite->hash_size) == 1;
}

/* Transcript-Hash up to the server's Certificate, and up to the end, which is the client's. */
static int hash_transcript(Check *c, uint8_t ret_server[HASH_SIZE_MAX], uint8_t ret_client[HASH_SIZE_MAX]) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new(), *copy = EVP_MD_CTX_new();
        const EVP_MD *digest = c->suite->hash_size == 48 ? EVP_sha384() : EVP_sha256();
        const Transcript *t = &c->transcript;
        size_t middle = t->server_certificate->end, from;
        bool ok;

        ok = md && copy && EVP_DigestInit_ex(md, digest, NULL) == 1 && hash_hellos(md, c, digest, &from) && hash_part(md, t, from, middle) &&
             EVP_MD_CTX_copy_ex(copy, md) == 1 && EVP_DigestFinal_ex(copy, ret_server, NULL) == 1 && hash_part(md, t, middle, t->bytes.size) &&
             EVP_DigestFinal_ex(md, ret_client, NULL) == 1;
        return ok ? 0 : -ENOMEM;
}

static int check_signature_1_3(Check *c) {
        uint8_t hash[HASH_SIZE_MAX], signed_bytes[SIGNED_MAX_1_3], *p = signed_bytes;
        int r;

        r = hash_transcript(c, hash, c->transcript_hash);
        if (r < 0)
                return r;

        memset(p, SIGNED_PADDING_BYTE, SIGNED_PADDING_SIZE);
        p += SIGNED_PADDING_SIZE;
        memcpy(p, signed_context, sizeof(signed_context));
        p += sizeof(signed_context);
        memcpy(p, hash, c->suite->hash_size);
        p += c->suite->hash_size;

        return verify(c, &c->certificate_verify, span_make(signed_bytes, (size_t) (p - signed_bytes)));
}

/* RFC 8422, 5.4: the signature covers both randoms and ServerECDHParams */
static int check_signature_1_2(Check *c) {
        const ServerKeyExchange *k = &c->server_key_exchange;
        uint8_t signed_bytes[SIGNED_MAX_1_2], *p = signed_bytes;
        Span parts[] = {c->client_hellos[0].random, c->server_hello.random, k->params};

        if (k->curve_type != CURVE_TYPE_NAMED_CURVE || !u16_list_has(c->client_hellos[0].supported_groups, k->named_curve))
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the server's key exchange is not in a named group that the ClientHello offers");
        /* RFC 8422, 2: the suite names the kind of the server's key */
        if (c->suite->rsa != (EVP_PKEY_get_base_id(c->server.key) == EVP_PKEY_RSA || EVP_PKEY_get_base_id(c->server.key) == EVP_PKEY_RSA_PSS))
                return refuse(c, REFUSAL_SERVER_SIGNATURE, "the cipher suite 0x%04x does not fit the key in the server's certificate",
                              c->suite->code);

        for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
                memcpy(p, parts[i].data, parts[i].size);
                p += parts[i].size;
        }
        return verify(c, &k->by, span_make(signed_bytes, (size_t) (p - signed_bytes)));
}

int check_server_signature(Check *c) {
        return c->version == TLS_VERSION_1_3 ? check_signature_1_3(c) : check_signature_1_2(c);
}
