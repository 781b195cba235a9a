/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The order of messages is a table for each version; nothing that it does not name is ever looked at.
 */

#include "keyd/verifier/transcript.h"

typedef enum StepPresence {
        STEP_ALWAYS,
        STEP_IF_RETRY,   /* this very message is a HelloRetryRequest */
        STEP_IF_RETRIED, /* there was a HelloRetryRequest */
        STEP_IF_FOUND,   /* optional: when a message of this type stands here */
} StepPresence;

typedef struct Step {
        HandshakeType type;
        StepPresence presence;
        size_t role; /* offset in Transcript */
} Step;

#define ROLE(name) offsetof(Transcript, name)

/* RFC 8446, 2: figure 1, up to the client's Certificate */
static const Step steps_1_3[] = {
        {HANDSHAKE_CLIENT_HELLO, STEP_ALWAYS, ROLE(client_hello)},
        {HANDSHAKE_SERVER_HELLO, STEP_IF_RETRY, ROLE(hello_retry_request)},
        {HANDSHAKE_CLIENT_HELLO, STEP_IF_RETRIED, ROLE(second_client_hello)},
        {HANDSHAKE_SERVER_HELLO, STEP_ALWAYS, ROLE(server_hello)},
        {HANDSHAKE_ENCRYPTED_EXTENSIONS, STEP_ALWAYS, ROLE(encrypted_extensions)},
        {HANDSHAKE_CERTIFICATE_REQUEST, STEP_ALWAYS, ROLE(certificate_request)},
        {HANDSHAKE_CERTIFICATE, STEP_ALWAYS, ROLE(server_certificate)},
        {HANDSHAKE_CERTIFICATE_VERIFY, STEP_ALWAYS, ROLE(server_certificate_verify)},
        {HANDSHAKE_FINISHED, STEP_ALWAYS, ROLE(server_finished)},
        {HANDSHAKE_CERTIFICATE, STEP_ALWAYS, ROLE(client_certificate)},
};

/* RFC 5246, 7.3: figure 1, up to ClientKeyExchange, with RFC 6066, 8 */
static const Step steps_1_2[] = {
        {HANDSHAKE_CLIENT_HELLO, STEP_ALWAYS, ROLE(client_hello)},
        {HANDSHAKE_SERVER_HELLO, STEP_ALWAYS, ROLE(server_hello)},
        {HANDSHAKE_CERTIFICATE, STEP_ALWAYS, ROLE(server_certificate)},
        {HANDSHAKE_CERTIFICATE_STATUS, STEP_IF_FOUND, ROLE(certificate_status)},
        {HANDSHAKE_SERVER_KEY_EXCHANGE, STEP_ALWAYS, ROLE(server_key_exchange)},
        {HANDSHAKE_CERTIFICATE_REQUEST, STEP_ALWAYS, ROLE(certificate_request)},
        {HANDSHAKE_SERVER_HELLO_DONE, STEP_ALWAYS, ROLE(server_hello_done)},
        {HANDSHAKE_CERTIFICATE, STEP_ALWAYS, ROLE(client_certificate)},
        {HANDSHAKE_CLIENT_KEY_EXCHANGE, STEP_ALWAYS, ROLE(client_key_exchange)},
};

/* RFC 8446, 4.1.3: the random of a ServerHello that is a HelloRetryRequest: SHA-256 of "HelloRetryRequest" */
static const uint8_t retry_random[32] = {
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static const char *type_name(uint8_t type) {
        static const char *const names[] = {
                [0] = "HelloRequest",
                [HANDSHAKE_CLIENT_HELLO] = "ClientHello",
                [HANDSHAKE_SERVER_HELLO] = "ServerHello",
                [4] = "NewSessionTicket",
                [5] = "EndOfEarlyData",
                [HANDSHAKE_ENCRYPTED_EXTENSIONS] = "EncryptedExtensions",
                [HANDSHAKE_CERTIFICATE] = "Certificate",
                [HANDSHAKE_SERVER_KEY_EXCHANGE] = "ServerKeyExchange",
                [HANDSHAKE_CERTIFICATE_REQUEST] = "CertificateRequest",
                [HANDSHAKE_SERVER_HELLO_DONE] = "ServerHelloDone",
                [HANDSHAKE_CERTIFICATE_VERIFY] = "CertificateVerify",
                [HANDSHAKE_CLIENT_KEY_EXCHANGE] = "ClientKeyExchange",
                [HANDSHAKE_FINISHED] = "Finished",
                [HANDSHAKE_CERTIFICATE_STATUS] = "CertificateStatus",
                [24] = "KeyUpdate",
                [25] = "CompressedCertificate",
        };

        return type < ARRAY_SIZE(names) && names[type] ? names[type] : "an unknown message";
}

int transcript_split(Span bytes, Transcript *ret) {
        WireReader r;

        *ret = (Transcript) {.bytes = bytes};
        if (bytes.size == 0 || bytes.size > PROTO_TRANSCRIPT_MAX)
                return TRANSCRIPT_E_MALFORMED;

        /* RFC 8446, 4 and RFC 5246, 7.4: msg_type, length, body */
        wire_reader_init(&r, bytes);
        while (wire_reader_more(&r)) {
                Message m = {.type = wire_get_u8(&r)};

                m.body = wire_get_vector(&r, 3, 0, PROTO_TRANSCRIPT_MAX);
                m.end = bytes.size - r.rest.size;
                if (ret->n_messages < TRANSCRIPT_MESSAGES_MAX)
                        ret->messages[ret->n_messages] = m;
                ret->n_messages++;
        }

        return wire_reader_end(&r) == 0 ? 0 : TRANSCRIPT_E_MALFORMED;
}

static bool message_is_retry(const Message *m) {
        return m->type == HANDSHAKE_SERVER_HELLO && m->body.size >= 2 + sizeof(retry_random) &&
               memcmp(m->body.data + 2, retry_random, sizeof(retry_random)) == 0;
}

static bool step_applies(const Step *s, const Transcript *t, const Message *m) {
        switch (s->presence) {
        case STEP_IF_RETRY:
                return m && message_is_retry(m);
        case STEP_IF_RETRIED:
                return t->hello_retry_request;
        case STEP_IF_FOUND:
                return m && m->type == s->type;
        case STEP_ALWAYS:
        default:
                return true;
        }
}

/* A second HelloRetryRequest, or one in TLS 1.2, is none of the messages that may come (RFC 8446, 4.1.4). */
static bool step_matches(const Step *s, const Message *m) {
        return m && m->type == s->type && (s->presence == STEP_IF_RETRY || !message_is_retry(m));
}

static int fault(const Transcript *t, size_t i, const char *expected, TranscriptFault *ret) {
        const char *found = i >= t->n_messages ? "nothing" : "another message";

        if (i < MIN_OF(t->n_messages, TRANSCRIPT_MESSAGES_MAX))
                found = message_is_retry(&t->messages[i]) ? "HelloRetryRequest" : type_name(t->messages[i].type);

        *ret = (TranscriptFault) {.position = i + 1, .expected = expected, .found = found};
        return TRANSCRIPT_E_SEQUENCE;
}

int transcript_assign(Transcript *t, uint16_t version, TranscriptFault *ret_fault) {
        const Step *steps = version == TLS_VERSION_1_3 ? steps_1_3 : steps_1_2;
        size_t n_steps = version == TLS_VERSION_1_3 ? ARRAY_SIZE(steps_1_3) : ARRAY_SIZE(steps_1_2);
        size_t n_kept = MIN_OF(t->n_messages, TRANSCRIPT_MESSAGES_MAX), i = 0;

        for (size_t k = 0; k < n_steps; k++) {
                const Message *m = i < n_kept ? &t->messages[i] : NULL;

                if (!step_applies(&steps[k], t, m))
                        continue;
                if (!step_matches(&steps[k], m))
                        return fault(t, i, type_name((uint8_t) steps[k].type), ret_fault);

                *(const Message **) ((uint8_t *) t + steps[k].role) = m;
                i++;
        }

        return i == t->n_messages ? 0 : fault(t, i, "nothing more", ret_fault);
}
