#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Names of keys, and which may be used at all */

#include <openssl/evp.h>

#include "common/def.h"

enum {
        _KEYTYPE_E_SUCCESS,
        KEYTYPE_E_POLICY,      /* RSA below 2048 bits */
        KEYTYPE_E_LIMIT,       /* RSA above 8192 bits */
        KEYTYPE_E_UNSUPPORTED, /* DSA, X25519, foreign curves, explicit parameters */
};

/*
 * Writes "rsa-2048", "rsa-pss-3072", "ec-p256", "ec-p384", "ec-p521", "ed25519", "ed448"; for refused keys what it is all the same.
 *
 * Return: 0 or KEYTYPE_E_*
 */
int keytype_name(const EVP_PKEY *key, char *ret, size_t size) _must_check_;
