#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The reserved authority `midtls`: what calld says of itself, as JSON that the command `midtls` reads */

#include <jansson.h>

#include "calld/gateway/exchange.h"

/* NULL without memory. Text that is no UTF-8 has "?" for each such byte. */
json_t *reserved_text(Span s);

/* Each makes a whole answer; NULL without memory. Secrets (header values, the proxy's password) are left out. */
json_t *reserved_connections(const Directory *d);
json_t *reserved_profiles(const Directory *d);
json_t *reserved_status(const Gateway *g);

/* "https://HOST:PORT/BASEPATH". Owned by the caller; NULL without memory. */
char *reserved_url(const MsgConnection *m);

/* Takes over @value; answers with it, or with an error of our own when it is NULL. */
void reserved_answer_json(Exchange *e, json_t *value);
