#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The OpenSSL provider "midtls-key": keys that are handles, signatures that keyd makes
 *
 * Its algorithms are asked for by name only (`provider=midtls-key`); all else stays with the default provider.
 */

#include "calld/keyprov/keyclient.h"

#define PROVIDER_NAME "midtls-key"

/* Loads the default provider, then this one, once for the process; before any TLS. Return: 0 or -EIO */
int provider_load(void) _must_check_;
