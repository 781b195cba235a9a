/* SPDX-License-Identifier: Apache-2.0 */

/*
 * In TLS 1.3 the fixed start makes it a client's CertificateVerify whatever hash was given; in TLS 1.2 it is the messages themselves, so they
 * must be a client's handshake from its first message to the last before CertificateVerify. Neither can pass for the other, nor for a
 * document, token or certificate.
 */

#include "keyd/signer/tbs.h"

/* RFC 8446, 4; RFC 5246, 7.4 */
#define HANDSHAKE_CLIENT_HELLO 1U
#define HANDSHAKE_CLIENT_KEY_EXCHANGE 16U

/* RFC 8446, 4.4.3, with its zero byte */
static const char client_context[] = "TLS 1.3, client CertificateVerify";
_Static_assert(64 + sizeof(client_context) + 48 == TBS_TLS13_MAX, "64 spaces, the context string, a zero byte, at most SHA-384");

/* RFC 8446, 4.4.1: the hash is the cipher suite's, SHA-256 or SHA-384. */
static bool build_tls13(Span hash, Tbs *ret) {
        if (hash.size != 32 && hash.size != 48)
                return false;

        memset(ret->tls13, ' ', 64);
        memcpy(ret->tls13 + 64, client_context, sizeof(client_context));
        memcpy(ret->tls13 + 64 + sizeof(client_context), hash.data, hash.size);
        ret->bytes = span_make(ret->tls13, 64 + sizeof(client_context) + hash.size);
        return true;
}

/* Return: 0 with the first and the last type, 1 when these are no whole messages */
static int walk_messages(Span messages, unsigned *ret_first, unsigned *ret_last) {
        unsigned last = 0;
        WireReader r;

        *ret_first = messages.size > 0 ? messages.data[0] : 0;
        wire_reader_init(&r, messages);
        while (wire_reader_more(&r)) {
                last = wire_get_u8(&r);
                wire_get_vector(&r, 3, 0, PROTO_TRANSCRIPT_MAX);
        }

        *ret_last = last;
        return wire_reader_end(&r) != 0;
}

int tbs_build(const MsgVerdict *m, Tbs *ret, RefusalCode *ret_code, const char **ret_sentence) {
        unsigned first, last;

        if (m->tls_version == TLS_VERSION_1_3) {
                if (build_tls13(m->to_sign, ret))
                        return 0;
                *ret_code = REFUSAL_TRANSCRIPT_MALFORMED;
                *ret_sentence = "the transcript hash has a size that no TLS 1.3 cipher suite gives";
                return 1;
        }

        if (walk_messages(m->to_sign, &first, &last) != 0) {
                *ret_code = REFUSAL_TRANSCRIPT_MALFORMED;
                *ret_sentence = "the transcript is not made of whole handshake messages";
                return 1;
        }

        /* RFC 5246, 7.4.8: all messages sent or received, starting at ClientHello, up to but not including CertificateVerify */
        if (first != HANDSHAKE_CLIENT_HELLO || last != HANDSHAKE_CLIENT_KEY_EXCHANGE) {
                *ret_code = REFUSAL_SEQUENCE;
                *ret_sentence = "the transcript does not begin with ClientHello and end with ClientKeyExchange";
                return 1;
        }

        ret->bytes = m->to_sign;
        return 0;
}
