#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Proxy= of a connection, in its parts */

#include "common/span.h"

typedef struct Proxy {
        Span scheme;    /* "http", "socks5", "socks5h" */
        Span user;      /* percent-encoded; empty: none */
        Span authority; /* host:port */
} Proxy;

/* @text: of a CONNECTION; the parts point into it. Return: false when there is no proxy */
bool proxy_parse(Span text, Proxy *ret);

/* What may be shown: "http://host:port", without the user. */
void proxy_to_string(const Proxy *p, char *ret, size_t size);
