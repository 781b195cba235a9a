/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-crypto.h"

#include "keyd/loader/keystore/ossl-private.h"

struct JavaCrypto {
        EVP_MD *md;
        EVP_MD_CTX *md_context;
};

JavaCrypto *java_crypto_free(JavaCrypto *c) {
        if (!c)
                return NULL;

        EVP_MD_CTX_free(c->md_context);
        EVP_MD_free(c->md);
        free(c);
        return NULL;
}

int java_crypto_new(const char *name, JavaCrypto **ret) {
        _cleanup_(java_crypto_freep) JavaCrypto *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->md_context = EVP_MD_CTX_new();
        if (!ossl_private() || !c->md_context)
                return -ENOMEM;

        c->md = EVP_MD_fetch(ossl_private(), name, NULL);
        if (!c->md) {
                ERR_clear_error();
                return JAVA_CRYPTO_E_UNAVAILABLE;
        }
        ASSERT(java_crypto_digest_size(c) <= JAVA_DIGEST_MAX);

        *ret = TAKE_PTR(c);
        return 0;
}

size_t java_crypto_digest_size(const JavaCrypto *c) {
        return (size_t) EVP_MD_get_size(c->md);
}

int java_crypto_digest(JavaCrypto *c, const JavaBytes *parts, size_t n_parts, uint8_t *ret) {
        int good = EVP_DigestInit_ex2(c->md_context, c->md, NULL);

        for (size_t i = 0; i < n_parts && good == 1; i++)
                if (parts[i].size > 0)
                        good = EVP_DigestUpdate(c->md_context, parts[i].data, parts[i].size);
        if (good != 1 || EVP_DigestFinal_ex(c->md_context, ret, NULL) != 1) {
                ERR_clear_error();
                return -ENOMEM;
        }

        return 0;
}

/* @out has room for @in. Return: 0, JAVA_CRYPTO_E_DECRYPT, -ENOMEM */
static int decrypt(EVP_CIPHER_CTX *context, const EVP_CIPHER *cipher, const Secret *key, JavaBytes in, Secret *out) {
        uint8_t *to = secret_writable(out);
        int n = 0, n_last = 0;

        if (EVP_DecryptInit_ex2(context, cipher, secret_data(key), secret_data(key) + 24, NULL) != 1 ||
            EVP_DecryptUpdate(context, to, &n, in.data, (int) in.size) != 1)
                return -ENOMEM;
        if (EVP_DecryptFinal_ex(context, to + n, &n_last) != 1)
                return JAVA_CRYPTO_E_DECRYPT;

        secret_set_size(out, (size_t) n + (size_t) n_last);
        return 0;
}

int java_crypto_decrypt_3des(const Secret *key, JavaBytes in, Secret **ret) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
        _cleanup_(EVP_CIPHER_freep) EVP_CIPHER *cipher = NULL;
        _cleanup_(secret_freep) Secret *out = NULL;
        int r;

        ASSERT(secret_size(key) == 32 && in.size > 0 && in.size % 8 == 0 && in.size <= INT32_MAX);

        if (!context)
                return -ENOMEM;
        cipher = EVP_CIPHER_fetch(ossl_private(), "DES-EDE3-CBC", NULL);
        if (!cipher) {
                ERR_clear_error();
                return JAVA_CRYPTO_E_UNAVAILABLE;
        }

        /* EVP_DecryptUpdate() asks for room for a block more than it is given. */
        r = secret_new(in.size + 8, &out);
        if (r < 0)
                return r;
        r = decrypt(context, cipher, key, in, out);
        if (r) {
                ERR_clear_error();
                return r;
        }

        *ret = TAKE_PTR(out);
        return 0;
}
