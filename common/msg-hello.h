#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* HELLO and WELCOME: the versions of both sides; the bodiless WATCH, BYE and SNAPSHOT_END */

#include "common/proto.h"
#include "common/wire.h"

typedef struct MsgHello {
        uint16_t version;
} MsgHello;

/* @body is the record without its type byte and comes from the peer. Return: 0 or WIRE_E_MALFORMED */
int msg_hello_decode(Span body, MsgHello *ret) _must_check_;

/* @type is MSG_HELLO or MSG_WELCOME. Return: as wire_writer_end; so in all encoders */
int msg_hello_encode(Buf *record, MsgType type, const MsgHello *m) _must_check_;

/* A message that is its type alone. */
int msg_empty_decode(Span body) _must_check_;
int msg_empty_encode(Buf *record, MsgType type) _must_check_;

/* Takes the type byte off a record. Return: 0, or WIRE_E_MALFORMED for an empty record */
int msg_split(Span record, uint8_t *ret_type, Span *ret_body) _must_check_;
