#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What is said of a profile's certificates */

#include <jansson.h>

#include "calld/call/detail.h"
#include "common/msg-profile.h"

/* subject, issuer, sha256, key_type, not_before, not_after (RFC 3339) of the leaf; JSON null when there is none */
json_t *certificate_to_json(const MsgProfile *p);

/* The chain, leaf first: subject, issuer, sha256, not_after of each */
json_t *certificate_chain(const MsgProfile *p);

/* Whether a certificate of the chain was issued by @name, as detail_name() writes it. */
bool certificate_has_issuer(const MsgProfile *p, const char *name);

/* subject and not_after */
json_t *certificate_server(const DetailCertificate *c);
