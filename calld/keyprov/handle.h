#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A key handle: an EVP_PKEY that libssl takes for a private key and that has none */

#include "calld/keyprov/keyclient.h"

/*
 * Makes the handle of one TLS connection. @public_key: of the leaf certificate. The handle keeps a reference to @public_key and @h; @client outlives it.
 * library_enter() came before.
 *
 * Return: 0, -EOPNOTSUPP when keys of this type cannot be used, -EIO when OpenSSL fails
 */
int handle_new(EVP_PKEY *public_key, Handshake *h, KeyClient *client, EVP_PKEY **ret) _must_check_;
