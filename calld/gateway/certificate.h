#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What is said of a profile's certificates */

#include <jansson.h>

#include "common/msg-profile.h"

/* subject, issuer, sha256, key_type, not_before, not_after (RFC 3339) of the leaf; JSON null when there is none */
json_t *certificate_to_json(const MsgProfile *p);

/* The subjects of the chain, leaf first. */
json_t *certificate_subjects(const MsgProfile *p);
