#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* PBKDF2 (RFC 8018, 5.2) and scrypt (RFC 7914) as a file asks for them: limits first, work later */

#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/ossl-private.h"

#define PBE_KEY_MAX 64U
#define PBE_SCRYPT_MEMORY_MAX (64ULL * 1024 * 1024)

typedef struct PbeKdf {
        bool is_scrypt;
        uint8_t salt[KEYSTORE_SALT_MAX];
        size_t n_salt;
        size_t key_size;     /* keyLength; 0: not given */
        uint64_t iterations; /* PBKDF2 */
        char digest[32];     /* of its HMAC, a name OpenSSL knows */
        size_t digest_size;
        uint64_t n, r, p; /* scrypt */
} PbeKdf;

/*
 * Work is counted in iterations of a hash: about 0.2 us each. One file may ask for three derivations (integrity, certificates, key)
 * at the limit; what asks for more is refused before it costs anything.
 */
#define PBE_WORK_MAX (3ULL * KEYSTORE_ITERATIONS_MAX)

/* @a comes from the file. Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _LIMIT, _UNSUPPORTED; without a path); -errno */
int pbe_kdf_parse(const X509_ALGOR *a, PbeKdf *ret, LoadFailure *ret_failure) _must_check_;

/* What deriving @key_size bytes costs. */
uint64_t pbe_kdf_cost(const PbeKdf *k, size_t key_size);

/* Derives @key_size bytes (PBE_KEY_MAX at most, asserted). @password NULL: empty. Return: 0; 1 when OpenSSL will not; -errno */
int pbe_kdf_derive(const PbeKdf *k, const Secret *password, uint8_t *ret, size_t key_size) _must_check_;

/* Checks an iteration count of the file. Return: as pbe_kdf_parse */
int pbe_check_iterations(const ASN1_INTEGER *i, uint64_t *ret, LoadFailure *ret_failure) _must_check_;

/* Copies a salt of the file to @ret, which has room for KEYSTORE_SALT_MAX bytes. Return: as pbe_kdf_parse */
int pbe_check_salt(const ASN1_OCTET_STRING *salt, uint8_t *ret, size_t *ret_n, LoadFailure *ret_failure) _must_check_;

/* The name of an algorithm for a message; "unknown" when it has none. */
const char *pbe_oid_name(const ASN1_OBJECT *o, char *buffer, size_t size);

/* The parameters of @a, which must be a SEQUENCE, decoded as @it. NULL when they are not. */
void *pbe_unpack(const X509_ALGOR *a, const ASN1_ITEM *it);
