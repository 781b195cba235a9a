#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Whether a key may be used, and belongs to its certificate: asked before it is handed to anybody */

#include "keyd/loader/keystore/keystore.h"

/* Type, curve and size (keytype.h), and that no part of an RSA key is larger than its modulus. *ret_name: the type's name, @size bytes. */
int fit_check_key(const EVP_PKEY *key, char *ret_name, size_t size, LoadFailure *ret_failure) _must_check_;

/* The public keys are equal, and a signature by @key verifies with @leaf's. Return: 0; 1 with VERDICT_MISMATCH, without a path; -errno */
int fit_check_pair(EVP_PKEY *key, X509 *leaf, LoadFailure *ret_failure) _must_check_;
