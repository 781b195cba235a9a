#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* RSA PRIVATE KEY and EC PRIVATE KEY, with or without RFC 1421's encryption */

#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/pem-block.h"

/* Adds @b as an entry. @type: EVP_PKEY_RSA or EVP_PKEY_EC. Return: 0; 1 with *ret_failure filled (without a path); -errno */
int pem_take_traditional(Keystore *k, int type, const PemBlock *b, LoadFailure *ret_failure) _must_check_;
