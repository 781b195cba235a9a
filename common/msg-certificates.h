#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* CERTIFICATES: a part of a set of CA certificates; a large set takes several messages, the last one is marked */

#include "common/proto.h"
#include "common/wire.h"

typedef struct MsgCertificates {
        uint8_t set_id[PROTO_SET_ID_SIZE]; /* SHA-256 over the set's DER, in order */
        bool last;
        Span certificates; /* each with a three-byte length: msg_certificates_next() walks them */
} MsgCertificates;

int msg_certificates_decode(Span body, MsgCertificates *ret) _must_check_;
int msg_certificates_encode(Buf *record, const MsgCertificates *m) _must_check_;

/* Takes the next DER certificate off @rest. Return: false at the end, or when it is malformed (then *rest is not empty) */
bool msg_certificates_next(Span *rest, Span *ret_der);
