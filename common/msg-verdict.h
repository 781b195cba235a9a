#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* VERDICT: the verifier has checked a handshake; what the signer needs to sign it, record it, and recheck what it can */

#include "common/proto.h"
#include "common/role.h"
#include "common/wire.h"

typedef struct MsgVerdict {
        uint64_t request_id; /* the verifier's own, never 0, never used twice: an answer to a dead verifier fits nobody */
        Span alias;
        uint64_t generation;
        Span call_id;
        uint16_t tls_version; /* TLS_VERSION_1_2 or _1_3 */
        uint16_t scheme;      /* TLS_SCHEME_* */
        uint64_t deadline_usec;
        Span destination; /* "host:port" of the connection, proved by the server's certificate */
        uint8_t server_spki_sha256[PROTO_PIN_SIZE];
        uint8_t transcript_sha256[32]; /* of the transcript's bytes as calld sent them */
        Span to_sign;                  /* TLS 1.3: Transcript-Hash, 32 or 48 bytes; TLS 1.2: the handshake messages, which the signer hashes itself */
} MsgVerdict;

int msg_verdict_decode(Span body, MsgVerdict *ret) _must_check_;
int msg_verdict_encode(Buf *record, const MsgVerdict *m) _must_check_;
