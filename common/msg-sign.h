#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* SIGN and SIGNATURE: the client's CertificateVerify of one TLS handshake */

#include "common/proto.h"
#include "common/wire.h"

typedef struct MsgSign {
        uint64_t request_id;    /* given back in the answer; never 0 */
        Span alias;             /* the connection the handshake is for; its file names the profile */
        uint64_t generation;    /* of the profile, as in its PROFILE message */
        Span call_id;           /* Midtls-Call-Id, for the record */
        uint16_t tls_version;   /* TLS_VERSION_1_2 or _1_3 */
        uint16_t scheme;        /* TLS_SCHEME_* */
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; an answer after it is of no use */
        Span transcript;        /* handshake messages with their four-byte headers, ClientHello to the last before CertificateVerify */
} MsgSign;

typedef struct MsgSignature {
        uint64_t request_id;
        Span signature;     /* as it goes into CertificateVerify */
        uint64_t busy_usec; /* what it took to check and to sign, without what was waited for */
} MsgSignature;

int msg_sign_decode(Span body, MsgSign *ret) _must_check_;
int msg_sign_encode(Buf *record, const MsgSign *m) _must_check_;
int msg_signature_decode(Span body, MsgSignature *ret) _must_check_;
int msg_signature_encode(Buf *record, const MsgSignature *m) _must_check_;
