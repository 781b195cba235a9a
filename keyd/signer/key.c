/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/signer/key.h"

#include <openssl/rsa.h>

#include "keyd/crypto/arena.h"
#include "keyd/crypto/keytype.h"
#include "keyd/crypto/ossl.h"

SigningKey *signing_key_free(SigningKey *k) {
        if (!k)
                return NULL;

        EVP_PKEY_free(k->private_key);
        EVP_PKEY_free(k->public_key);
        free(k);
        return NULL;
}

static EVP_PKEY *decode_key(const Secret *pkcs8) {
        _cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
        const uint8_t *p = secret_data(pkcs8);

        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long) secret_size(pkcs8));
        if (!info || p != secret_data(pkcs8) + secret_size(pkcs8))
                return NULL;

        return EVP_PKCS82PKEY(info);
}

static X509 *decode_leaf(const Secret *leaf) {
        _cleanup_(X509_freep) X509 *x = NULL;
        const uint8_t *p = secret_data(leaf);

        x = d2i_X509(NULL, &p, (long) secret_size(leaf));
        if (!x || p != secret_data(leaf) + secret_size(leaf))
                return NULL;

        return TAKE_PTR(x);
}

static int unusable(const char *reason, const char **ret_reason) {
        ERR_clear_error();
        *ret_reason = reason;
        return SIGNING_KEY_E_UNUSABLE;
}

int signing_key_new(const KeyHandover *h, SigningKey **ret, const char **ret_reason) {
        _cleanup_(signing_key_freep) SigningKey *k = NULL;
        _cleanup_(X509_freep) X509 *leaf = NULL;
        char kind[64];

        /* What is left is for signing with the keys that are here. */
        if (arena_is_nearly_full())
                return unusable("there is no memory left for it", ret_reason);

        k = calloc(1, sizeof(*k));
        if (!k)
                return -ENOMEM;

        memcpy(k->profile, h->profile, sizeof(k->profile));
        k->generation = h->generation;
        k->not_before = h->not_before;
        k->not_after = h->not_after;
        k->forget_usec = USEC_INFINITY;

        k->private_key = decode_key(h->pkcs8);
        if (!k->private_key)
                return unusable("the key cannot be decoded", ret_reason);
        leaf = decode_leaf(h->leaf);
        if (!leaf)
                return unusable("the certificate cannot be decoded", ret_reason);
        if (X509_check_private_key(leaf, k->private_key) != 1)
                return unusable("the key is not the certificate's", ret_reason);
        if (keytype_name(k->private_key, kind, sizeof(kind)) != 0 || key_kind_from_name(kind, &k->kind) != 0)
                return unusable("the key is of a kind that is not used", ret_reason);

        k->public_key = X509_get_pubkey(leaf);
        if (!k->public_key || X509_digest(leaf, EVP_sha256(), k->leaf_sha256, NULL) != 1)
                return unusable("the certificate's public key cannot be read", ret_reason);

        *ret = TAKE_PTR(k);
        return 0;
}

/* RFC 8446, 4.2.3: the salt is as long as the digest; RFC 8017, 9.1: MGF1 with the same digest, which is OpenSSL's default */
static bool set_padding(EVP_PKEY_CTX *c, const Scheme *scheme) {
        return !scheme->pss ||
               (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(c, RSA_PSS_SALTLEN_DIGEST) == 1);
}

static bool sign(EVP_PKEY *key, const Scheme *scheme, Span tbs, uint8_t *ret, size_t *ret_size) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *c = NULL;

        return md && EVP_DigestSignInit_ex(md, &c, scheme->digest, NULL, NULL, key, NULL) == 1 && set_padding(c, scheme) &&
               EVP_DigestSign(md, ret, ret_size, tbs.data, tbs.size) == 1;
}

static bool verify(EVP_PKEY *key, const Scheme *scheme, Span tbs, const uint8_t *signature, size_t size) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
        EVP_PKEY_CTX *c = NULL;

        return md && EVP_DigestVerifyInit_ex(md, &c, scheme->digest, NULL, NULL, key, NULL) == 1 && set_padding(c, scheme) &&
               EVP_DigestVerify(md, signature, size, tbs.data, tbs.size) == 1;
}

int signing_key_sign(const SigningKey *k, const Scheme *scheme, Span tbs, uint8_t ret[static PROTO_SIGNATURE_MAX], size_t *ret_size) {
        size_t size = PROTO_SIGNATURE_MAX;

        if (!sign(k->private_key, scheme, tbs, ret, &size) || !verify(k->public_key, scheme, tbs, ret, size)) {
                explicit_bzero(ret, PROTO_SIGNATURE_MAX);
                ERR_clear_error();
                return -EIO;
        }

        *ret_size = size;
        return 0;
}
