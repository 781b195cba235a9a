#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* PROFILE: what calld may know of a MID Protocol Profile: never the key, its password or where they are kept */

#include "common/msg-list.h"

typedef struct MsgProfile {
        Span name;
        Span description;
        uint64_t generation; /* counts loads of this profile's key in this keyd, from 1 on; 0 when none is loaded */
        uint8_t state;       /* ProtoState */
        Span reason;         /* a sentence, when not ready */
        Span hint;           /* what to do about it */
        uint16_t default_port;
        uint16_t minimum_tls;              /* TLS_VERSION_* */
        uint8_t ca_set[PROTO_SET_ID_SIZE]; /* names CERTIFICATES said before; zeroes when not ready */
        TextList allowed_names;
        TextList pins;       /* each 32 bytes: SHA-256 of the SubjectPublicKeyInfo */
        Span key_type;       /* "rsa-2048", "ec-p256", "ed25519", ... */
        uint64_t not_before; /* of the leaf, seconds since 1970 */
        uint64_t not_after;
        Span chain; /* leaf first, DER, each with a three-byte length: msg_certificates_next() walks them */
} MsgProfile;

int msg_profile_decode(Span body, MsgProfile *ret) _must_check_;
int msg_profile_encode(Buf *record, const MsgProfile *m) _must_check_;
