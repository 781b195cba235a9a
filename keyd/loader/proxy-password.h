#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* ProxyPassword= of a connection: keyd reads it, calld shows it to the proxy */

#include "keyd/loader/config.h"

/*
 * Replaces what c->proxy_password says by the password itself. A connection whose password cannot be had is broken then, and @problems says why.
 *
 * Return: 0 or -errno
 */
int proxy_password_read(ConnectionConfig *c, const char *host_key_folder, Problems *problems) _must_check_;
