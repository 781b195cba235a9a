/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/keyprov/keyclient.h"
#include "common/chan.h"
#include "common/msg-hello.h"
#include "common/msg-refusal.h"
#include "common/msg-sign.h"

/* The longest answer is a signature or a sentence. */
#define ANSWER_MAX 4096U

struct KeyClient {
        KeyClientConnect connect;
        void *connect_userdata; /* borrowed */
        KeyClientIsUp is_up;
        const void *userdata; /* borrowed */
        uint64_t timeout_usec;
        uint64_t last_id;
        int fd;
};

enum {
        _EXCHANGE_E_SUCCESS,
        EXCHANGE_E_GONE,    /* keyd closed the connection: a new one may do */
        EXCHANGE_E_SILENT,  /* nothing before the deadline */
        EXCHANGE_E_INVALID, /* an answer that is none */
        EXCHANGE_E_REFUSED,
};

int keyclient_new(KeyClientConnect connect, void *connect_userdata, KeyClientIsUp is_up, const void *userdata, KeyClient **ret) {
        _cleanup_(keyclient_freep) KeyClient *c = NULL;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->fd = -1;
        c->is_up = is_up;
        c->userdata = userdata;
        c->timeout_usec = KEYCLIENT_TIMEOUT_USEC;
        c->connect = connect;
        c->connect_userdata = connect_userdata;

        *ret = TAKE_PTR(c);
        return 0;
}

KeyClient *keyclient_free(KeyClient *c) {
        if (!c)
                return NULL;

        close_fdp(&c->fd);
        free(c);
        return NULL;
}

void keyclient_set_timeout(KeyClient *c, uint64_t timeout_usec) {
        c->timeout_usec = timeout_usec;
}

/* One answer, whole. Return: 0, EXCHANGE_E_*, -errno */
static int receive_answer(int fd, Buf *record, uint64_t deadline_usec, uint8_t *ret_type, Span *ret_body) {
        int r;

        buf_clear(record);
        r = chan_receive(fd, record, deadline_usec);
        if (r == CHAN_E_CLOSED || r == -ECONNRESET || r == -EPIPE)
                return EXCHANGE_E_GONE;
        if (r == CHAN_E_VIOLATION)
                return EXCHANGE_E_INVALID;
        if (r == -ETIMEDOUT)
                return EXCHANGE_E_SILENT;
        if (r < 0)
                return r;

        return msg_split(buf_span(record), ret_type, ret_body) == 0 ? 0 : EXCHANGE_E_INVALID;
}

static int send_request(int fd, const Buf *record, uint64_t deadline_usec) {
        int r;

        r = chan_send(fd, buf_span(record), deadline_usec);
        if (r == -EPIPE || r == -ECONNRESET || r == -ENOTCONN)
                return EXCHANGE_E_GONE;
        if (r == -ETIMEDOUT)
                return EXCHANGE_E_SILENT;
        return r;
}

/* HELLO, WELCOME: only equal versions talk. */
static int say_hello(int fd, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(ANSWER_MAX);
        MsgHello hello = {.version = PROTO_VERSION};
        uint8_t type;
        Span body;
        int r;

        r = msg_hello_encode(&record, MSG_HELLO, &hello);
        if (r < 0)
                return r;

        r = send_request(fd, &record, deadline_usec);
        if (r != 0)
                return r;

        r = receive_answer(fd, &record, deadline_usec, &type, &body);
        if (r != 0)
                return r;

        if (type != MSG_WELCOME || msg_hello_decode(body, &hello) != 0 || hello.version != PROTO_VERSION)
                return EXCHANGE_E_INVALID;
        return 0;
}

static int keyclient_connect(KeyClient *c, uint64_t deadline_usec) {
        _cleanup_fd_ int fd = -1;
        int r;

        r = c->connect(c->connect_userdata, deadline_usec, &fd);
        if (r == -ETIMEDOUT)
                return EXCHANGE_E_SILENT;
        if (r == -ENOENT || r == -ECONNREFUSED)
                return EXCHANGE_E_GONE;
        if (r < 0)
                return r;

        r = say_hello(fd, deadline_usec);
        if (r != 0)
                return r;

        c->fd = TAKE_FD(fd);
        return 0;
}

/* A kept connection on which something lies unread, or that was closed, is not used again. */
static void drop_stale(KeyClient *c) {
        _cleanup_(buf_done) Buf record = BUF_INIT(1);

        if (c->fd >= 0 && chan_receive(c->fd, &record, 0) != -EAGAIN)
                close_fdp(&c->fd);
}

/* What keyd answered to request @id. */
static int take_answer(uint8_t type, Span body, uint64_t id, Handshake *h, size_t min, size_t max, uint8_t *signature, size_t *ret_size) {
        MsgSignature answer;
        MsgRefusal refusal;

        if (type == MSG_REFUSAL && msg_refusal_decode(body, &refusal) == 0 && refusal.request_id == id) {
                handshake_fail(h, HANDSHAKE_FAILURE_REFUSED, refusal.code, refusal.sentence);
                return EXCHANGE_E_REFUSED;
        }

        if (type != MSG_SIGNATURE || msg_signature_decode(body, &answer) != 0 || answer.request_id != id)
                return EXCHANGE_E_INVALID;
        if (answer.signature.size < min || answer.signature.size > max)
                return EXCHANGE_E_INVALID;

        h->keyd_usec = answer.busy_usec;
        memcpy(signature, answer.signature.data, answer.signature.size);
        *ret_size = answer.signature.size;
        return 0;
}

/* One request and its answer on an open connection; the connection is closed unless it went well. */
static int exchange(KeyClient *c, Handshake *h, MsgSign *m, size_t min, size_t max, uint8_t *signature, size_t *ret_size) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX), answer = BUF_INIT(ANSWER_MAX);
        _cleanup_fd_ int fd = TAKE_FD(c->fd);
        uint8_t type;
        Span body;
        int r;

        m->request_id = ++c->last_id;
        r = msg_sign_encode(&record, m);
        if (r == -EMSGSIZE) {
                handshake_fail(h, HANDSHAKE_FAILURE_TRANSCRIPT, 0, SPAN_LITERAL("the handshake is larger than keyd takes"));
                return r;
        }
        if (r < 0)
                return r;

        r = send_request(fd, &record, m->deadline_usec);
        if (r != 0)
                return r;

        h->n_unanswered++;
        r = receive_answer(fd, &answer, m->deadline_usec, &type, &body);
        if (r != 0)
                return r;

        r = take_answer(type, body, m->request_id, h, min, max, signature, ret_size);
        if (r == 0 || r == EXCHANGE_E_REFUSED)
                h->n_unanswered--;
        if (r == 0)
                c->fd = TAKE_FD(fd);
        return r;
}

static int no_signature(Handshake *h, int r) {
        char text[256];

        if (r == EXCHANGE_E_GONE)
                snprintf(text, sizeof(text), "keyd is not there, or closed the connection");
        else if (r == EXCHANGE_E_SILENT)
                snprintf(text, sizeof(text), "keyd did not answer in time");
        else if (r == EXCHANGE_E_INVALID)
                snprintf(text, sizeof(text), "keyd's answer was not understood");
        else
                snprintf(text, sizeof(text), "keyd cannot be reached: %s", strerror(-r));

        /* A refusal has been recorded already, and the first reason stands. */
        handshake_fail(h, r == -ENOMEM ? HANDSHAKE_FAILURE_INTERNAL : HANDSHAKE_FAILURE_KEYD_UNAVAILABLE, 0, span_from_string(text));
        return KEYCLIENT_E_NO_SIGNATURE;
}

int keyclient_sign(KeyClient *c, Handshake *h, uint16_t tls_version, uint16_t scheme, Span transcript, size_t min, size_t max, uint8_t *signature,
                   size_t *ret_size) {
        MsgSign m = {
                .alias = span_from_string(h->alias),
                .generation = h->generation,
                .call_id = span_from_string(h->call_id),
                .tls_version = tls_version,
                .scheme = scheme,
                .deadline_usec = deadline_after(c->timeout_usec),
                .transcript = transcript,
        };
        uint64_t started_usec = now_usec();
        bool kept;
        int r;

        if (c->is_up && !c->is_up(c->userdata))
                return no_signature(h, EXCHANGE_E_GONE);

        drop_stale(c);
        kept = c->fd >= 0;
        r = kept ? 0 : keyclient_connect(c, m.deadline_usec);
        if (r == 0)
                r = exchange(c, h, &m, min, max, signature, ret_size);

        /* keyd was restarted while the connection lay idle: once more, within the same deadline */
        if (r == EXCHANGE_E_GONE && kept) {
                r = keyclient_connect(c, m.deadline_usec);
                if (r == 0)
                        r = exchange(c, h, &m, min, max, signature, ret_size);
        }

        h->n_asked++;
        h->sign_usec += now_usec() - started_usec;
        return r == 0 ? 0 : no_signature(h, r);
}
