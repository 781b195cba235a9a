#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Secrets that keyd reads and calld is told: ProxyPassword= of a connection, which it shows to the proxy, and TcpToken=, which its callers show */

#include "keyd/loader/config/config.h"

/*
 * Replaces what c->proxy_password says by the password itself. A connection whose password cannot be had is broken then, and @problems says why.
 *
 * Return: 0 or -errno
 */
int proxy_password_read(ConnectionConfig *c, const char *host_key_folder, Problems *problems) _must_check_;

/* The same for c->tcp_token, at least TCP_TOKEN_MIN characters; NULL afterwards when it cannot be had. */
int tcp_token_read(Config *c, Problems *problems) _must_check_;

#define TCP_TOKEN_MIN 16U
