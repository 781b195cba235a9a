#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Signature schemes that are accepted of a server and made for it: no SHA-1, no DSA, no bare RSA in TLS 1.3
 *
 * What is signed in the end the signer decides by a table of its own (keyd/signer/scheme.h), on purpose.
 */

#include <openssl/evp.h>

#include "common/proto.h"
#include "common/span.h"

typedef struct SignatureScheme {
        uint16_t code; /* SignatureScheme, RFC 8446, 4.2.3 */
        const char *name;
        int key;       /* EVP_PKEY_* */
        int bits_1_3;  /* ECDSA in TLS 1.3: of the one curve it stands for; 0: any */
        bool only_1_2; /* RSASSA-PKCS1-v1_5 */
        bool pss;
        const EVP_MD *(*digest)(void); /* NULL: the Edwards schemes bring their own */
} SignatureScheme;

enum {
        _SCHEME_E_SUCCESS,
        SCHEME_E_SIGNATURE, /* the signature is not of these bytes by this key */
};

/* NULL: not one that is used in @version. */
const SignatureScheme *scheme_find(uint16_t code, uint16_t version);

/* Whether a signature of this scheme is made by a key like @key, whose kind and size keytype_name() allows. */
bool scheme_fits_key(const SignatureScheme *s, const EVP_PKEY *key, uint16_t version);

/* @signature is untrusted. Return: 0, SCHEME_E_SIGNATURE, or -ENOMEM */
int scheme_verify(const SignatureScheme *s, EVP_PKEY *key, Span signed_bytes, Span signature) _must_check_;
