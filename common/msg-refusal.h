#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* REFUSAL: keyd does not sign, and why */

#include "common/proto.h"
#include "common/wire.h"

typedef struct MsgRefusal {
        uint64_t request_id;
        uint8_t code; /* RefusalCode */
        Span sentence;
} MsgRefusal;

int msg_refusal_decode(Span body, MsgRefusal *ret) _must_check_;
int msg_refusal_encode(Buf *record, const MsgRefusal *m) _must_check_;

/* "profile-unknown", "sni", ...; "internal" for anything out of range. */
const char *refusal_code_to_string(unsigned code);

/* What to do about it. */
const char *refusal_code_hint(unsigned code);
