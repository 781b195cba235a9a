#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Keys, MAC and ciphers of BCFKS
 *
 * A key is KDF(P12(password), P12(purpose)), where P12() is UTF-16BE with two zero bytes, or nothing for nothing. All algorithms are of
 * today and come from the default context: in FIPS mode they are the validated ones, and scrypt is missing.
 */

#include "keyd/loader/keystore/bcfks-asn1.h"
#include "keyd/loader/keystore/keystore.h"

#define BCFKS_CIPHER_KEY_SIZE 32U

typedef struct BcfksKdf {
        BcfksOid oid; /* PBKDF2 or scrypt */
        BcfksOid prf; /* of PBKDF2 */
        JavaBytes salt;
        uint32_t iterations; /* of PBKDF2 */
        uint64_t cost;       /* N of scrypt */
        uint64_t block_size; /* r of scrypt, and p as well: Bouncy Castle passes r for both */
        uint32_t key_size;   /* 0 when not given */
} BcfksKdf;

typedef struct BcfksCipher {
        BcfksKdf kdf;
        BcfksOid oid; /* AES-256 in CCM or key wrap with padding */
        JavaBytes nonce;
        uint32_t tag_size;
} BcfksCipher;

/* Both check all limits, and do no work. @what names the thing for messages. Return: 0; 1 with *ret_failure filled */
int bcfks_kdf_parse(const BcfksAlgorithm *a, const char *what, BcfksKdf *ret, LoadFailure *ret_failure) _must_check_;
int bcfks_cipher_parse(const BcfksAlgorithm *a, const char *what, BcfksCipher *ret, LoadFailure *ret_failure) _must_check_;

enum {
        _BCFKS_E_SUCCESS,
        BCFKS_E_MISMATCH = 2, /* the MAC or the cipher's tag does not fit (1 is left out: *ret_failure is never filled here) */
        BCFKS_E_UNAVAILABLE,  /* OpenSSL on this host has no such algorithm */
};

/* @password NULL: the empty one. Return: 0, BCFKS_E_*, -errno */
int bcfks_mac_verify(const BcfksStore *s, const BcfksKdf *kdf, const Secret *password) _must_check_;
int bcfks_decrypt(const BcfksCipher *cipher, JavaBytes content, const Secret *password, const char *purpose, Secret **ret) _must_check_;
