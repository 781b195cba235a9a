#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* PrivateKeyInfo (RFC 5208), OneAsymmetricKey (RFC 5958) and the structures older than both, to a key */

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/keystore/keystore.h"

/* A key of this size has a few dozen elements. */
#define PKCS8_ELEMENTS_MAX 1024U

/* @der: one unencrypted PrivateKeyInfo and nothing behind it. Return: 0; 1 with *ret_failure filled, without a path; -errno */
int pkcs8_decode(BerBytes der, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;

/* RSAPrivateKey (RFC 8017, A.1.2) for EVP_PKEY_RSA, ECPrivateKey (RFC 5915) for EVP_PKEY_EC. Return: as pkcs8_decode */
int pkcs8_decode_traditional(int type, BerBytes der, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;
