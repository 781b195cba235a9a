#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Handshake: what is known of one TLS connection's handshake, and its transcript
 *
 * Made before the connection's SSL_CTX, which keeps a reference, as do the key handle and the call that opened the connection. So it outlives
 * all of them, whoever goes first. The message callback fills it; the signature puts its refusal here; nothing else is shared between connections.
 */

#include <openssl/ssl.h>

#include "common/buf.h"
#include "common/proto.h"

/* Why there was no signature although one was asked for. */
typedef enum HandshakeFailure {
        HANDSHAKE_FAILURE_NONE,
        HANDSHAKE_FAILURE_KEYD_UNAVAILABLE, /* keyd is away, silent, or talks nonsense */
        HANDSHAKE_FAILURE_REFUSED,          /* keyd said no: refusal_code and sentence */
        HANDSHAKE_FAILURE_TRANSCRIPT,       /* larger than a request may be, or not what libssl wants signed */
        HANDSHAKE_FAILURE_SCHEME,           /* no signature scheme fits what libssl asked for */
        HANDSHAKE_FAILURE_INTERNAL,
} HandshakeFailure;

#define HANDSHAKE_ALERT_NONE (-1)

typedef struct Handshake {
        unsigned n_ref;

        /* for whom the signature is asked */
        char alias[PROTO_NAME_MAX + 1];
        uint64_t generation;
        char call_id[PROTO_CALL_ID_MAX + 1];

        /* the messages with their four-byte headers */
        Buf transcript;
        bool frozen;   /* after the first signature, after an overflow and when nobody wants it any more: nothing is signed */
        bool overflow; /* longer than PROTO_TRANSCRIPT_MAX */

        /* what was seen */
        uint16_t tls_version;
        bool server_hello;
        bool certificate_requested;
        bool certificate_sent; /* our Certificate message went out and was not empty */
        bool certificate_empty;
        bool finished_received;
        int alert_received; /* AlertDescription, or HANDSHAKE_ALERT_NONE */
        int alert_sent;
        bool close_notify; /* received: what came before it is whole */

        /* what came of the signature */
        bool is_signed;
        unsigned n_unanswered; /* requests that keyd may have signed although no answer came */
        unsigned n_asked;
        uint64_t keyd_usec; /* what keyd needed for the signature that it made, without waiting */
        uint64_t sign_usec; /* until the answers */
        bool counted;       /* the call that opened the connection has taken this into its report */
        HandshakeFailure failure;
        uint8_t refusal_code; /* RefusalCode */
        char sentence[PROTO_TEXT_MAX + 1];

        /* what came of the server's certificate; filled by calld/call */
        bool server_verified;
        int verify_error; /* X509_V_ERR_*, 0: none */
        int verify_depth;
        bool name_mismatch, pin_mismatch;
        int fd; /* the connection's socket, borrowed from libcurl; -1: not known */
        char server_subject[256];
        char server_issuer[256];
        char server_names[256];    /* the names its certificate has, for the hint */
        struct CallDetail *detail; /* borrowed from the call; NULL: nobody wants to know more */
} Handshake;

/* @alias and @call_id are cut at their maximum. Return: 0 or -ENOMEM */
int handshake_new(Span alias, uint64_t generation, Span call_id, Handshake **ret) _must_check_;
Handshake *handshake_ref(Handshake *h);
Handshake *handshake_unref(Handshake *h);
DEFINE_CLEANUP(Handshake *, handshake_unref)

/* Records why there will be no signature; the first reason stands. @sentence may be NULL. */
void handshake_fail(Handshake *h, HandshakeFailure failure, uint8_t refusal_code, Span sentence);

/* Once, before threads: so that handshake_attach() may be called by several. Return: 0 or -ENOMEM */
int handshake_prepare(void) _must_check_;

/*
 * RFC 8879: what keyd is shown has certificates in it, not compressed ones. libssl offers compression by itself since 3.2; the numbers are that
 * library's, so that a build with the headers of 3.0 says it too. They are nothing to 3.0 itself.
 */
#define HANDSHAKE_NO_CERTIFICATE_COMPRESSION (UINT64_C(3) << 32)
#ifdef SSL_OP_NO_RX_CERTIFICATE_COMPRESSION
_Static_assert(HANDSHAKE_NO_CERTIFICATE_COMPRESSION == (SSL_OP_NO_TX_CERTIFICATE_COMPRESSION | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION),
               "the bits of both directions");
#endif

/*
 * Lets @ctx, which has a key of handle_new() for @h and thereby a reference, report each message, none of them compressed, to @h.
 * Return: 0 or -ENOMEM
 */
int handshake_attach(Handshake *h, SSL_CTX *ctx) _must_check_;

/* The Handshake that @ctx was given, borrowed; or NULL. */
Handshake *handshake_of(const SSL_CTX *ctx);
