/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "calld/keyprov/key.h"
#include "calld/keyprov/scheme.h"

/* RFC 8446, 4.4.3: what is signed begins with 64 octets 0x20; a TLS 1.2 transcript begins with ClientHello (1) */
#define TBS_1_3_FIRST 0x20

typedef struct SignatureContext {
        Key *key;
        SchemeKey type;
        unsigned digest_bits;
        bool pss;
} SignatureContext;

static void *signature_new(void *provctx, const char *propq) {
        (void) provctx;
        (void) propq;
        return calloc(1, sizeof(SignatureContext));
}

static void signature_free(void *vctx) {
        SignatureContext *ctx = vctx;

        if (!ctx)
                return;
        key_unref(ctx->key);
        free(ctx);
}

static void *signature_dup(void *vctx) {
        const SignatureContext *ctx = vctx;
        SignatureContext *copy;

        copy = calloc(1, sizeof(*copy));
        if (!copy)
                return NULL;

        *copy = *ctx;
        key_ref(copy->key);
        return copy;
}

static SchemeKey key_type(const Key *k) {
        static const struct {
                int id;
                SchemeKey type;
        } types[] = {
                {EVP_PKEY_RSA, SCHEME_KEY_RSA},
                {EVP_PKEY_EC, SCHEME_KEY_EC},
                {EVP_PKEY_ED25519, SCHEME_KEY_ED25519},
                {EVP_PKEY_ED448, SCHEME_KEY_ED448},
        };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (EVP_PKEY_get_base_id(k->public_key) == types[i].id)
                        return types[i].type;
        return _SCHEME_KEY_INVALID;
}

static int signature_set_params(void *vctx, const OSSL_PARAM params[]);

/* Also libssl's probe for what the key can do, so it asks nobody. MD5-SHA1, SHA-1 and SHA-224 are refused, and libssl goes on to others. */
static int signature_init(void *vctx, const char *digest, void *keydata, const OSSL_PARAM params[]) {
        SignatureContext *ctx = vctx;
        bool edwards;

        if (keydata) {
                key_unref(ctx->key);
                ctx->key = key_ref(keydata);
        }
        if (!ctx->key || !ctx->key->public_key)
                return 0;

        ctx->type = key_type(ctx->key);
        ctx->pss = false;
        ctx->digest_bits = scheme_digest_bits(digest);

        /* RFC 8032, 5.1: the Edwards schemes bring their own digest */
        edwards = ctx->type == SCHEME_KEY_ED25519 || ctx->type == SCHEME_KEY_ED448;
        if (edwards ? digest && *digest : ctx->digest_bits == 0)
                return 0;
        return signature_set_params(ctx, params);
}

static int set_pad_mode(SignatureContext *ctx, const OSSL_PARAM *p) {
        const char *text = NULL;
        int mode = 0;

        if (p->data_type == OSSL_PARAM_UTF8_STRING) {
                if (OSSL_PARAM_get_utf8_string_ptr(p, &text) != 1)
                        return 0;
                if (strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0)
                        mode = RSA_PKCS1_PSS_PADDING;
                else if (strcmp(text, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0)
                        mode = RSA_PKCS1_PADDING;
        } else if (OSSL_PARAM_get_int(p, &mode) != 1)
                return 0;

        if (mode != RSA_PKCS1_PSS_PADDING && mode != RSA_PKCS1_PADDING)
                return 0;
        ctx->pss = mode == RSA_PKCS1_PSS_PADDING;
        return 1;
}

/* RFC 8446, 4.2.3: the length of the salt MUST be equal to the length of the digest */
static int check_salt_length(const SignatureContext *ctx, const OSSL_PARAM *p) {
        const char *text = NULL;
        int length = 0;

        if (p->data_type == OSSL_PARAM_UTF8_STRING)
                return OSSL_PARAM_get_utf8_string_ptr(p, &text) == 1 && strcmp(text, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
        return OSSL_PARAM_get_int(p, &length) == 1 && (length == RSA_PSS_SALTLEN_DIGEST || length == (int) ctx->digest_bits / 8);
}

static int signature_set_params(void *vctx, const OSSL_PARAM params[]) {
        SignatureContext *ctx = vctx;
        const OSSL_PARAM *p;

        if (!params)
                return 1;

        p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
        if (p && (ctx->type != SCHEME_KEY_RSA || !set_pad_mode(ctx, p)))
                return 0;

        p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
        return !p || check_salt_length(ctx, p);
}

static const OSSL_PARAM *signature_settable_params(void *vctx, void *provctx) {
        static const OSSL_PARAM types[] = {
                OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
                OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
                OSSL_PARAM_END,
        };

        (void) vctx;
        (void) provctx;
        return types;
}

/* What keyd gets: never what libssl wants signed in TLS 1.3, but the messages from which keyd computes that itself. */
static bool pick_transcript(Handshake *h, Span tbs, Span *ret, uint16_t *ret_version) {
        bool is_1_3 = tbs.size > 0 && tbs.data[0] == TBS_1_3_FIRST;
        Span transcript = is_1_3 ? buf_span(&h->transcript) : tbs;

        if (h->frozen || transcript.size == 0 || transcript.size > PROTO_TRANSCRIPT_MAX)
                return false;
        if (transcript.data[0] != SSL3_MT_CLIENT_HELLO || h->tls_version != (is_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2))
                return false;

        *ret = transcript;
        *ret_version = is_1_3 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
        return true;
}

/* ECDSA's DER varies in length; all others have exactly the key's size. */
static size_t signature_min(const SignatureContext *ctx, size_t max) {
        return ctx->type == SCHEME_KEY_EC ? 8 : max;
}

static int ask_keyd(const SignatureContext *ctx, Span tbs, size_t max, uint8_t *signature, size_t *ret_size) {
        Handshake *h = ctx->key->handshake;
        uint16_t scheme, version;
        Span transcript;
        int r;

        scheme = scheme_find(ctx->type, ctx->digest_bits, ctx->pss);
        if (scheme == 0) {
                handshake_fail(h, HANDSHAKE_FAILURE_SCHEME, 0, SPAN_LITERAL("no signature scheme fits the key and what the server takes"));
                return 0;
        }

        if (!pick_transcript(h, tbs, &transcript, &version)) {
                handshake_fail(h, HANDSHAKE_FAILURE_TRANSCRIPT, 0,
                               h->overflow ? SPAN_LITERAL("the handshake is larger than keyd takes")
                                           : SPAN_LITERAL("the signature is not for this connection's first handshake"));
                return 0;
        }

        r = keyclient_sign(ctx->key->client, h, version, scheme, transcript, signature_min(ctx, max), max, signature, ret_size);
        h->frozen = true;
        buf_done(&h->transcript);
        if (r != 0)
                return 0;

        h->is_signed = true;
        return 1;
}

static int signature_digest_sign(void *vctx, unsigned char *sig, size_t *siglen, size_t sigsize, const unsigned char *tbs, size_t tbslen) {
        const SignatureContext *ctx = vctx;
        uint8_t signature[PROTO_SIGNATURE_MAX];
        size_t size;
        int max;

        max = ctx->key ? EVP_PKEY_get_size(ctx->key->public_key) : 0;
        if (max <= 0 || (size_t) max > sizeof(signature))
                return 0;

        /* the question for the size: no need to ask keyd */
        if (!sig) {
                *siglen = (size_t) max;
                return 1;
        }

        if (!ask_keyd(ctx, span_make(tbs, tbslen), (size_t) max, signature, &size) || size > sigsize)
                return 0;

        memcpy(sig, signature, size);
        *siglen = size;
        return 1;
}

/* clang-format off */
#define SIGNATURE_COMMON                                                         \
        {OSSL_FUNC_SIGNATURE_NEWCTX, (void (*)(void)) signature_new},            \
        {OSSL_FUNC_SIGNATURE_FREECTX, (void (*)(void)) signature_free},          \
        {OSSL_FUNC_SIGNATURE_DUPCTX, (void (*)(void)) signature_dup},            \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (void (*)(void)) signature_init}, \
        {OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (void (*)(void)) signature_digest_sign}
/* clang-format on */

const OSSL_DISPATCH signature_functions[] = {
        SIGNATURE_COMMON,
        {0, NULL},
};

const OSSL_DISPATCH signature_rsa_functions[] = {
        SIGNATURE_COMMON,
        {OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (void (*)(void)) signature_set_params},
        {OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (void (*)(void)) signature_settable_params},
        {0, NULL},
};
