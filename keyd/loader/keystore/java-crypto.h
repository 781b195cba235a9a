#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The old algorithms of Java keystores, from the context of ossl-private.h
 *
 * A host in FIPS mode may have none of them: that is an outcome, not an error.
 */

#include <openssl/evp.h>

#include "keyd/loader/keystore/java-reader.h"

#define JAVA_DIGEST_MAX 20U

enum {
        _JAVA_CRYPTO_E_SUCCESS,
        JAVA_CRYPTO_E_UNAVAILABLE, /* this OpenSSL, or its configuration, has no such algorithm */
        JAVA_CRYPTO_E_DECRYPT,     /* the padding is wrong: most likely the password was */
};

typedef struct JavaCrypto JavaCrypto;

/* With the digest @name ("SHA1", "MD5"). Return: 0, JAVA_CRYPTO_E_UNAVAILABLE, -ENOMEM */
int java_crypto_new(const char *name, JavaCrypto **ret) _must_check_;
JavaCrypto *java_crypto_free(JavaCrypto *c);
DEFINE_CLEANUP(JavaCrypto *, java_crypto_free)

size_t java_crypto_digest_size(const JavaCrypto *c);

/* The digest of @parts, one after the other, to @ret (java_crypto_digest_size() bytes; may lie in one of the parts). Return: 0 or -ENOMEM */
int java_crypto_digest(JavaCrypto *c, const JavaBytes *parts, size_t n_parts, uint8_t *ret) _must_check_;

/*
 * DES-EDE3-CBC with padding as PKCS #5. @key: 24 bytes, then 8 of IV. @in is a multiple of 8 and not empty (asserted).
 *
 * Return: 0, JAVA_CRYPTO_E_*, -errno
 */
int java_crypto_decrypt_3des(const Secret *key, JavaBytes in, Secret **ret) _must_check_;
