#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* GRANT and BINDING: what the signer may do with a profile's key, and which aliases use it. A load states all of them anew. */

#include "common/msg-list.h"
#include "common/role.h"

typedef struct MsgGrant {
        Span profile;
        uint64_t generation; /* the one that new handshakes use */
        uint32_t max_signatures_per_minute;
        TextList pins; /* 32 bytes each, as in MsgProfile; empty: none */
} MsgGrant;

typedef struct MsgBinding {
        Span alias;
        Span profile;
        Span destination; /* "host:port" */
} MsgBinding;

/* KEYS_TAKEN: the signer has taken all records up to KEYS_END in one step */
typedef struct MsgKeysTaken {
        uint32_t n_missing; /* grants whose generation the signer does not hold: they are refused as generation-gone */
} MsgKeysTaken;

int msg_grant_decode(Span body, MsgGrant *ret) _must_check_;
int msg_grant_encode(Buf *record, const MsgGrant *m) _must_check_;
int msg_binding_decode(Span body, MsgBinding *ret) _must_check_;
int msg_binding_encode(Buf *record, const MsgBinding *m) _must_check_;
int msg_keys_taken_decode(Span body, MsgKeysTaken *ret) _must_check_;
int msg_keys_taken_encode(Buf *record, const MsgKeysTaken *m) _must_check_;
