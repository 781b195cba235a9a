#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Writes BCFKS stores whose every algorithm, count and size can be a wrong one. Aborts on failure. */

#include "tests/unit/keyd/loader/java/java-writer.h"

#define OID_PBES2 "1.2.840.113549.1.5.13"
#define OID_PBKDF2 "1.2.840.113549.1.5.12"
#define OID_SCRYPT "1.3.6.1.4.1.11591.4.11"
#define OID_HMAC_SHA256 "1.2.840.113549.2.9"
#define OID_HMAC_SHA512 "1.2.840.113549.2.11"
#define OID_HMAC_SHA3_512 "2.16.840.1.101.3.4.2.16"
#define OID_AES256_CCM "2.16.840.1.101.3.4.1.47"
#define OID_AES256_GCM "2.16.840.1.101.3.4.1.46"
#define OID_AES256_WRAP_PAD "2.16.840.1.101.3.4.1.48"

typedef enum BcfksStep {
        BCFKS_STEP_MAC,
        BCFKS_STEP_STORE,
        BCFKS_STEP_KEY,
        _BCFKS_STEP_MAX,
} BcfksStep;

typedef struct BcfksSpec {
        const char *password, *key_password;
        struct {
                uint64_t iterations; /* above 100,000 they are claimed, and the key is zero */
                size_t n_salt;
                uint64_t key_size; /* 0: left out */
                const char *prf;
                Span kdf; /* a whole AlgorithmIdentifier in place of all that */
        } kdf[_BCFKS_STEP_MAX];
        const char *mac, *inner_mac; /* as told outside and inside */
        const char *cipher;          /* NULL: the store is not encrypted */
        const char *key_cipher;
        size_t n_nonce, n_tag; /* of CCM */
        bool is_signed;
} BcfksSpec;

/* What Bouncy Castle writes, with one iteration. */
BcfksSpec bcfks_spec(void);

/* The EncryptedPrivateKeyInfo of @plain, and with it the data of a private key with @n certificates. */
void bcfks_put_key(const BcfksSpec *spec, Span plain, uint32_t n, Span certificate, Buf *ret);

/* One ObjectData. */
void bcfks_put_object(uint64_t type, Span alias, Span data, Buf *ret);

/* The store of @objects. */
void bcfks_put_store(const BcfksSpec *spec, Span objects, Buf *ret);

/* A store with the one private key "MyKey" and @n_chain certificates. The caller frees it. */
Buf bcfks_make(const BcfksSpec *s, const Fixture *f, uint32_t n_chain);
