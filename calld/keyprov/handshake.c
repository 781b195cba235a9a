/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/keyprov/handshake.h"

static void span_copy_cut(Span from, char *to, size_t size) {
        size_t n = MIN_OF(from.size, size - 1);

        if (n > 0)
                memcpy(to, from.data, n);
        to[n] = '\0';
}

int handshake_new(Span alias, uint64_t generation, Span call_id, Handshake **ret) {
        Handshake *h;

        h = calloc(1, sizeof(*h));
        if (!h)
                return -ENOMEM;

        h->n_ref = 1;
        h->generation = generation;
        h->transcript = (Buf) BUF_INIT(PROTO_TRANSCRIPT_MAX);
        h->alert_received = HANDSHAKE_ALERT_NONE;
        h->alert_sent = HANDSHAKE_ALERT_NONE;
        h->fd = -1;
        span_copy_cut(alias, h->alias, sizeof(h->alias));
        span_copy_cut(call_id, h->call_id, sizeof(h->call_id));

        *ret = h;
        return 0;
}

Handshake *handshake_ref(Handshake *h) {
        if (h)
                h->n_ref++;
        return h;
}

Handshake *handshake_unref(Handshake *h) {
        if (!h || --h->n_ref > 0)
                return NULL;

        buf_done(&h->transcript);
        free(h);
        return NULL;
}

void handshake_fail(Handshake *h, HandshakeFailure failure, uint8_t refusal_code, Span sentence) {
        if (h->failure != HANDSHAKE_FAILURE_NONE)
                return;

        h->failure = failure;
        h->refusal_code = refusal_code;
        span_copy_cut(sentence, h->sentence, sizeof(h->sentence));
}

/* The Certificate message without certificates: RFC 5246, 7.4.6 (an empty list) and RFC 8446, 4.4.2 (after an empty context). */
static bool certificate_is_empty(Span message, uint16_t version) {
        return message.size <= 4U + 3U + (version == TLS_VERSION_1_3 ? 1U : 0U);
}

static void handshake_on_message(Handshake *h, bool sent, Span message, uint16_t version) {
        h->tls_version = version;

        switch (message.data[0]) {
        case SSL3_MT_SERVER_HELLO:
                h->server_hello = true;
                break;

        case SSL3_MT_CERTIFICATE_REQUEST:
                h->certificate_requested = true;
                break;

        case SSL3_MT_CERTIFICATE:
                if (!sent)
                        break;
                h->certificate_empty = certificate_is_empty(message, version);
                h->certificate_sent = !h->certificate_empty;
                break;

        case SSL3_MT_FINISHED:
                if (!sent)
                        h->finished_received = true;
                break;

        default:
                break;
        }

        if (h->frozen)
                return;

        /* nothing after our Finished is ever asked for, tickets least of all */
        if (sent && message.data[0] == SSL3_MT_FINISHED) {
                h->frozen = true;
                buf_done(&h->transcript);
                return;
        }

        if (buf_append(&h->transcript, message.data, message.size) < 0) {
                h->overflow = true;
                h->frozen = true;
        }
}

static void handshake_on_alert(Handshake *h, bool sent, Span alert) {
        int description = alert.data[1];

        h->close_notify |= !sent && description == SSL_AD_CLOSE_NOTIFY;

        /* RFC 8446, 6.1: close_notify and user_canceled are no failures */
        if (description == SSL_AD_CLOSE_NOTIFY || description == SSL_AD_USER_CANCELLED)
                return;

        if (sent)
                h->alert_sent = description;
        else
                h->alert_received = description;
}

/* libssl calls this for each whole message, decrypted, and for each record header (types 256 and 257, of no interest). */
static void on_ssl_message(int write_p, int version, int content_type, const void *buf, size_t len, SSL *ssl, void *arg) {
        Handshake *h = arg;
        Span message = span_make(buf, len);

        (void) version;
        if (content_type == SSL3_RT_HANDSHAKE && len >= 4)
                handshake_on_message(h, write_p, message, (uint16_t) SSL_version(ssl));
        else if (content_type == SSL3_RT_ALERT && len == 2)
                handshake_on_alert(h, write_p, message);
}

/*
 * Without a function that frees: libcrypto looks for it in the library context that is the thread's when the SSL_CTX goes, and it was registered in
 * another one. The key handle in the SSL_CTX has a reference.
 */
static int ex_data_index(void) {
        static int index = -1;

        if (index < 0)
                index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
        return index;
}

int handshake_prepare(void) {
        return ex_data_index() < 0 ? -ENOMEM : 0;
}

int handshake_attach(Handshake *h, SSL_CTX *ctx) {
        int index = ex_data_index();

        if (index < 0 || SSL_CTX_set_ex_data(ctx, index, h) != 1)
                return -ENOMEM;

        SSL_CTX_set_options(ctx, HANDSHAKE_NO_CERTIFICATE_COMPRESSION);
        SSL_CTX_set_msg_callback(ctx, on_ssl_message);
        SSL_CTX_set_msg_callback_arg(ctx, h);
        return 0;
}

Handshake *handshake_of(const SSL_CTX *ctx) {
        int index = ex_data_index();

        return index < 0 ? NULL : SSL_CTX_get_ex_data(ctx, index);
}
