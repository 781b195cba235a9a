/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/scheme.h"

#include <openssl/rsa.h>

#include "keyd/crypto/ossl.h"

/* RFC 8446, 4.2.3: PKCS#1 v1.5 is for certificates only in TLS 1.3; the curve is part of the ECDSA schemes in TLS 1.3 only */
static const SignatureScheme schemes[] = {
        {TLS_SCHEME_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256", EVP_PKEY_EC, .bits_1_3 = 256, .digest = EVP_sha256},
        {TLS_SCHEME_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384", EVP_PKEY_EC, .bits_1_3 = 384, .digest = EVP_sha384},
        {TLS_SCHEME_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512", EVP_PKEY_EC, .bits_1_3 = 521, .digest = EVP_sha512},
        {TLS_SCHEME_ED25519, "ed25519", EVP_PKEY_ED25519},
        {TLS_SCHEME_ED448, "ed448", EVP_PKEY_ED448},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256", EVP_PKEY_RSA, .pss = true, .digest = EVP_sha256},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384", EVP_PKEY_RSA, .pss = true, .digest = EVP_sha384},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512", EVP_PKEY_RSA, .pss = true, .digest = EVP_sha512},
        {TLS_SCHEME_RSA_PSS_PSS_SHA256, "rsa_pss_pss_sha256", EVP_PKEY_RSA_PSS, .pss = true, .digest = EVP_sha256},
        {TLS_SCHEME_RSA_PSS_PSS_SHA384, "rsa_pss_pss_sha384", EVP_PKEY_RSA_PSS, .pss = true, .digest = EVP_sha384},
        {TLS_SCHEME_RSA_PSS_PSS_SHA512, "rsa_pss_pss_sha512", EVP_PKEY_RSA_PSS, .pss = true, .digest = EVP_sha512},
        {TLS_SCHEME_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256", EVP_PKEY_RSA, .only_1_2 = true, .digest = EVP_sha256},
        {TLS_SCHEME_RSA_PKCS1_SHA384, "rsa_pkcs1_sha384", EVP_PKEY_RSA, .only_1_2 = true, .digest = EVP_sha384},
        {TLS_SCHEME_RSA_PKCS1_SHA512, "rsa_pkcs1_sha512", EVP_PKEY_RSA, .only_1_2 = true, .digest = EVP_sha512},
};

const SignatureScheme *scheme_find(uint16_t code, uint16_t version) {
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
                if (schemes[i].code == code)
                        return version == TLS_VERSION_1_3 && schemes[i].only_1_2 ? NULL : &schemes[i];
        return NULL;
}

bool scheme_fits_key(const SignatureScheme *s, const EVP_PKEY *key, uint16_t version) {
        if (EVP_PKEY_get_base_id(key) != s->key)
                return false;

        /* RFC 8446, 4.2.3: in TLS 1.2 these code points name hash and ECDSA only */
        return version != TLS_VERSION_1_3 || s->bits_1_3 == 0 || EVP_PKEY_get_bits(key) == s->bits_1_3;
}

/* RFC 8446, 4.2.3: the digest of the mask generation function and the length of the salt are those of the hash */
static bool set_pss(EVP_PKEY_CTX *ctx, const EVP_MD *digest) {
        return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest) > 0 &&
               EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0;
}

int scheme_verify(const SignatureScheme *s, EVP_PKEY *key, Span signed_bytes, Span signature) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        const EVP_MD *digest = s->digest ? s->digest() : NULL;
        EVP_PKEY_CTX *pctx = NULL; /* borrowed from ctx */
        bool ok;

        if (!ctx)
                return -ENOMEM;

        ok = EVP_DigestVerifyInit(ctx, &pctx, digest, NULL, key) == 1 && (!s->pss || set_pss(pctx, digest)) &&
             EVP_DigestVerify(ctx, signature.data, signature.size, signed_bytes.data, signed_bytes.size) == 1;
        return ok ? 0 : SCHEME_E_SIGNATURE;
}
