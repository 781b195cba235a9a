#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A handshake's messages one behind the other, as calld saw them: cut into messages, and each given its part
 *
 * Borrows the transcript.
 */

#include "common/proto.h"
#include "common/wire.h"

/* HandshakeType: RFC 8446, B.3; RFC 5246, 7.4; RFC 6066, 8 */
typedef enum HandshakeType {
        HANDSHAKE_CLIENT_HELLO = 1,
        HANDSHAKE_SERVER_HELLO = 2,
        HANDSHAKE_ENCRYPTED_EXTENSIONS = 8,
        HANDSHAKE_CERTIFICATE = 11,
        HANDSHAKE_SERVER_KEY_EXCHANGE = 12,
        HANDSHAKE_CERTIFICATE_REQUEST = 13,
        HANDSHAKE_SERVER_HELLO_DONE = 14,
        HANDSHAKE_CERTIFICATE_VERIFY = 15,
        HANDSHAKE_CLIENT_KEY_EXCHANGE = 16,
        HANDSHAKE_FINISHED = 20,
        HANDSHAKE_CERTIFICATE_STATUS = 22,
} HandshakeType;

typedef struct Message {
        uint8_t type;
        Span body;
        size_t end; /* bytes of the transcript up to and with this message */
} Message;

/* The longest order there is: TLS 1.3 with HelloRetryRequest */
#define TRANSCRIPT_MESSAGES_MAX 10U

/* Roles that a version's order does not have, and optional ones that are absent, stay NULL. */
typedef struct Transcript {
        Span bytes;
        Message messages[TRANSCRIPT_MESSAGES_MAX];
        size_t n_messages; /* may be more than were kept */

        const Message *client_hello; /* the first one */
        const Message *hello_retry_request;
        const Message *second_client_hello;
        const Message *server_hello;
        const Message *encrypted_extensions;
        const Message *server_certificate;
        const Message *certificate_status;
        const Message *server_key_exchange;
        const Message *certificate_request;
        const Message *server_certificate_verify;
        const Message *server_finished;
        const Message *server_hello_done;
        const Message *client_certificate;
        const Message *client_key_exchange;
} Transcript;

enum {
        _TRANSCRIPT_E_SUCCESS,
        TRANSCRIPT_E_MALFORMED, /* not a row of whole messages, or too long */
        TRANSCRIPT_E_SEQUENCE,  /* other messages than the version's order has */
};

/* Where the order is broken. */
typedef struct TranscriptFault {
        size_t position;      /* from 1 */
        const char *expected; /* name of a message; "nothing more" */
        const char *found;    /* "nothing" */
} TranscriptFault;

/* Return: 0 or TRANSCRIPT_E_MALFORMED */
int transcript_split(Span bytes, Transcript *ret) _must_check_;

/* @version: TLS_VERSION_*. Return: 0, or TRANSCRIPT_E_SEQUENCE with *ret_fault */
int transcript_assign(Transcript *t, uint16_t version, TranscriptFault *ret_fault) _must_check_;
