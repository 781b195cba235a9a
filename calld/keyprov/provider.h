#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The OpenSSL provider "midtls-key": keys that are handles, signatures that keyd makes
 *
 * Its algorithms are asked for by name only (`provider=midtls-key`); all else stays with the default provider.
 */

#include <openssl/provider.h>

#include "calld/keyprov/keyclient.h"

#define PROVIDER_NAME "midtls-key"

/* Loads it into @context, which has the default provider's algorithms; *ret is to be unloaded before the context ends. Return: 0 or -EIO */
int provider_load(OSSL_LIB_CTX *context, OSSL_PROVIDER **ret) _must_check_;
