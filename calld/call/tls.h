#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a connection's SSL_CTX gets: our certificate and key handle, and how the far server must prove itself */

#include "calld/call/pool.h"
#include "calld/keyprov/keyclient.h"

/* @ctx: fresh from libcurl. @c has a pool and outlives @ctx. Return: 0, -EOPNOTSUPP when keys of this type cannot be used, -EIO */
int tls_prepare(SSL_CTX *ctx, Connection *c, Handshake *h, KeyClient *client) _must_check_;
