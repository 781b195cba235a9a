#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* An answer of our own: Proxy-Status (RFC 9209) and application/problem+json (RFC 9457) */

#include "calld/call/error.h"

unsigned call_error_status(const CallError *e);

/* `midtls; error=TYPE; details="..."`, cut at @size, always well-formed; @size is at least 128. */
void call_error_proxy_status(const CallError *e, char *ret, size_t size);

/* The body, owned by the caller (free). NULL without memory. */
char *call_error_json(const CallError *e, const char *call_id);
