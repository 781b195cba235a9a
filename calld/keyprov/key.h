#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the provider's key management and signature share: a key that is a handle */

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>

#include "calld/keyprov/keyclient.h"

/* Parameters that make a handle; both are pointers, so nobody outside this process can name one. */
#define KEY_PARAM_PUBLIC "midtls-public"
#define KEY_PARAM_HANDSHAKE "midtls-handshake"
#define KEY_PARAM_CLIENT "midtls-client"

typedef struct Key {
        unsigned n_ref;
        const char *type;     /* RSA, EC, ED25519, ED448 */
        EVP_PKEY *public_key; /* the default provider's, from the leaf certificate */
        Handshake *handshake;
        KeyClient *client; /* borrowed: outlives every connection */
} Key;

Key *key_ref(Key *k);
Key *key_unref(Key *k);
DEFINE_CLEANUP(Key *, key_unref)

extern const OSSL_DISPATCH keymgmt_rsa_functions[];
extern const OSSL_DISPATCH keymgmt_ed25519_functions[];
extern const OSSL_DISPATCH keymgmt_ed448_functions[];
extern const OSSL_DISPATCH keymgmt_ec_functions[];
extern const OSSL_DISPATCH signature_functions[];
extern const OSSL_DISPATCH signature_rsa_functions[];
