#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * KEYS_BEGIN, GRANT, BINDING and KEYS_TAKEN: what the signer may do with a profile's key, and which aliases use it. A load states all of them
 * anew.
 */

#include "common/msg-list.h"
#include "common/role.h"

/* KEYS_BEGIN */
typedef struct MsgKeysBegin {
        uint64_t batch; /* comes back in KEYS_TAKEN; no other load's: what a dead loader did not read is still in the socket */
} MsgKeysBegin;

typedef struct MsgGrant {
        Span profile;
        uint64_t generation; /* the one that new handshakes use */
        uint32_t max_signatures_per_minute;
        uint16_t minimum_tls; /* TLS_VERSION_* */
        TextList pins;        /* 32 bytes each, as in MsgProfile; empty: none */
} MsgGrant;

typedef struct MsgBinding {
        Span alias;
        Span profile;
        Span destination; /* "host:port" */
} MsgBinding;

/* KEYS_TAKEN: the signer has taken all records up to KEYS_END in one step */
typedef struct MsgKeysTaken {
        uint64_t batch;
        uint32_t n_missing; /* grants whose generation the signer does not hold: they are refused as generation-gone */
} MsgKeysTaken;

int msg_keys_begin_decode(Span body, MsgKeysBegin *ret) _must_check_;
int msg_keys_begin_encode(Buf *record, const MsgKeysBegin *m) _must_check_;
int msg_grant_decode(Span body, MsgGrant *ret) _must_check_;
int msg_grant_encode(Buf *record, const MsgGrant *m) _must_check_;
int msg_binding_decode(Span body, MsgBinding *ret) _must_check_;
int msg_binding_encode(Buf *record, const MsgBinding *m) _must_check_;
int msg_keys_taken_decode(Span body, MsgKeysTaken *ret) _must_check_;
int msg_keys_taken_encode(Buf *record, const MsgKeysTaken *m) _must_check_;
