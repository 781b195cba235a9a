#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The protocol between calld and keyd
 *
 * One SOCK_SEQPACKET record is one message: a byte that names its type, then its body. calld asks, keyd answers:
 *
 *      calld                                   keyd
 *      HELLO version                        ->
 *                                           <- WELCOME version
 *      WATCH                                ->
 *                                           <- SNAPSHOT, CERTIFICATES*, PROFILE*, CONNECTION*, SNAPSHOT_END
 *                                           <- the same again after every change of the configuration or a key
 *      SIGN id alias generation transcript  ->
 *                                           <- SIGNATURE id bytes, or REFUSAL id code sentence
 *      BYE                                  ->  (keyd closes)
 *
 * WATCH and SIGN are used on connections of their own by calld, but may share one. Requests are answered in order.
 * SIGN carries no digest, no to-be-signed bytes, no padding, no size, no file name, no algorithm parameters: keyd
 * derives them all from the transcript, the scheme and its own key. No message can carry private key bytes.
 *
 * Malformed, out of turn, too long, with a descriptor, or of unknown type: the connection is closed and it is recorded.
 * Integers are big-endian. Every change here bumps PROTO_VERSION; only equal versions talk.
 */

#define PROTO_VERSION 2

/* Largest record; below the default AF_UNIX buffer (212,992 bytes). */
#define PROTO_RECORD_MAX (192U * 1024)

#define PROTO_NAME_MAX 63U                 /* an alias or a profile's name */
#define PROTO_HOST_MAX 253U                /* RFC 1035, 2.3.4 */
#define PROTO_TEXT_MAX 1024U               /* a sentence for people, a path, a header value is PROTO_VALUE_MAX */
#define PROTO_VALUE_MAX 8192U              /* a header value */
#define PROTO_CALL_ID_MAX 36U              /* what fits a UUID */
#define PROTO_LIST_MAX 64U                 /* entries of a list in a connection or profile */
#define PROTO_CHAIN_MAX 10U                /* certificates of a client chain */
#define PROTO_CERTIFICATE_MAX (64U * 1024) /* DER bytes of one certificate */
#define PROTO_CHAIN_BYTES_MAX (96U * 1024)
#define PROTO_TRANSCRIPT_MAX (160U * 1024)
#define PROTO_SIGNATURE_MAX 1024U /* RSA-8192 */
#define PROTO_SET_ID_SIZE 32U     /* a set of CA certificates is named by the SHA-256 of its content */
#define PROTO_PIN_SIZE 32U        /* SHA-256 of a SubjectPublicKeyInfo */

typedef enum MsgType {
        /* asked by calld */
        MSG_HELLO = 1,
        MSG_WATCH = 2,
        MSG_SIGN = 3,
        MSG_BYE = 4,
        _MSG_REQUEST_MAX,

        /* said by keyd */
        MSG_WELCOME = 0x81,
        MSG_SNAPSHOT = 0x82,
        MSG_CERTIFICATES = 0x83,
        MSG_PROFILE = 0x84,
        MSG_CONNECTION = 0x85,
        MSG_SNAPSHOT_END = 0x86,
        MSG_SIGNATURE = 0x87,
        MSG_REFUSAL = 0x88,
} MsgType;

/* TLS versions on the wire, RFC 8446, 4.2.1 */
#define TLS_VERSION_1_2 0x0303
#define TLS_VERSION_1_3 0x0304

/* SignatureScheme, RFC 8446, 4.2.3 */
#define TLS_SCHEME_RSA_PKCS1_SHA256 0x0401
#define TLS_SCHEME_RSA_PKCS1_SHA384 0x0501
#define TLS_SCHEME_RSA_PKCS1_SHA512 0x0601
#define TLS_SCHEME_ECDSA_SECP256R1_SHA256 0x0403
#define TLS_SCHEME_ECDSA_SECP384R1_SHA384 0x0503
#define TLS_SCHEME_ECDSA_SECP521R1_SHA512 0x0603
#define TLS_SCHEME_RSA_PSS_RSAE_SHA256 0x0804
#define TLS_SCHEME_RSA_PSS_RSAE_SHA384 0x0805
#define TLS_SCHEME_RSA_PSS_RSAE_SHA512 0x0806
#define TLS_SCHEME_ED25519 0x0807
#define TLS_SCHEME_ED448 0x0808
#define TLS_SCHEME_RSA_PSS_PSS_SHA256 0x0809
#define TLS_SCHEME_RSA_PSS_PSS_SHA384 0x080a
#define TLS_SCHEME_RSA_PSS_PSS_SHA512 0x080b

/* State of a profile or connection in a snapshot. */
typedef enum ProtoState {
        PROTO_STATE_READY = 0,
        PROTO_STATE_UNAVAILABLE = 1,   /* not loaded, or broken: the reason says why */
        PROTO_STATE_EXPIRED = 2,       /* the client certificate's notAfter has passed */
        PROTO_STATE_NOT_YET_VALID = 3, /* its notBefore has not come */
        _PROTO_STATE_MAX,
} ProtoState;

/* Why keyd refuses to sign; names are in msg-refusal.c, the rules in docs/signing.md. */
typedef enum RefusalCode {
        REFUSAL_INTERNAL = 0, /* keyd itself failed; nothing about the request was wrong */
        REFUSAL_PROFILE_UNKNOWN = 1,
        REFUSAL_PROFILE_NOT_FOR_ALIAS = 2,
        REFUSAL_GENERATION_GONE = 3,
        REFUSAL_KEY_EXPIRED = 4,
        REFUSAL_RATE_LIMITED = 5,
        REFUSAL_TRANSCRIPT_MALFORMED = 6,
        REFUSAL_SEQUENCE = 7,
        REFUSAL_VERSION = 8,
        REFUSAL_RESUMPTION = 9,
        REFUSAL_POST_HANDSHAKE = 10,
        REFUSAL_CIPHER = 11,
        REFUSAL_SNI = 12,
        REFUSAL_ALPN = 13,
        REFUSAL_SERVER_CERTIFICATE = 14,
        REFUSAL_SERVER_SIGNATURE = 15,
        REFUSAL_CLIENT_CERTIFICATE = 16,
        REFUSAL_SCHEME = 17,
        REFUSAL_REPLAY = 18,
        _REFUSAL_MAX,
} RefusalCode;
