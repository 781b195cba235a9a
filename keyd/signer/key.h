#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A key that signs, made from what the loader handed over; its bytes are in OpenSSL's hands and so in the arena */

#include <openssl/evp.h>

#include "keyd/crypto/handover.h"
#include "keyd/signer/scheme.h"

typedef struct SigningKey SigningKey;

struct SigningKey {
        SigningKey *next; /* for the table */
        char profile[PROTO_NAME_MAX + 1];
        uint64_t generation;
        uint64_t not_before, not_after; /* of the leaf, seconds since 1970 */
        uint64_t forget_usec;           /* when it is wiped: a newer one has replaced it; USEC_INFINITY while it is in use */
        KeyKind kind;
        uint8_t leaf_sha256[32];
        EVP_PKEY *private_key;
        EVP_PKEY *public_key; /* the leaf's */
};

enum {
        _SIGNING_KEY_E_SUCCESS,
        SIGNING_KEY_E_UNUSABLE, /* no such key, not the leaf's, of a kind that is not used, or one too many for the memory */
};

/* Return: 0, SIGNING_KEY_E_UNUSABLE with a static *ret_reason, -ENOMEM */
int signing_key_new(const KeyHandover *h, SigningKey **ret, const char **ret_reason) _must_check_;
SigningKey *signing_key_free(SigningKey *k);
DEFINE_CLEANUP(SigningKey *, signing_key_free)

/*
 * Signs @tbs and verifies what came out with the leaf's public key: a faulty RSA signature gives the key away (Boneh, DeMillo, Lipton,
 * "On the Importance of Checking Cryptographic Protocols for Faults", 1997).
 *
 * Return: 0, -EIO when it did not succeed or is not good
 */
int signing_key_sign(const SigningKey *k, const Scheme *scheme, Span tbs, uint8_t ret[static PROTO_SIGNATURE_MAX], size_t *ret_size) _must_check_;
