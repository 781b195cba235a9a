/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/requests.h"

#include <openssl/evp.h>

#include "common/audit.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-verdict.h"
#include "keyd/verifier/signer-channel.h"

enum {
        _REQUEST_E_SUCCESS,
        REQUEST_E_MALFORMED,
};

/* Return: 0, REQUEST_E_MALFORMED, -errno */
typedef int (*Handler)(Verifier *v, Session *s, Span body);

/* answers */

static void send_or_close(Session *s, int encoded) {
        if (encoded < 0) {
                log_errno(encoded, "Cannot answer calld");
                session_close(s);
        } else
                session_send_answer(s);
}

void request_relay_signature(Session *s, Span signature, uint64_t busy_usec) {
        MsgSignature m = {.request_id = s->pending.request_id, .signature = signature, .busy_usec = s->pending.busy_usec + busy_usec};

        s->pending.id = 0;
        send_or_close(s, msg_signature_encode(&s->answer, &m));
}

void request_relay_refusal(Session *s, RefusalCode code, Span sentence) {
        MsgRefusal m = {.request_id = s->pending.request_id, .code = (uint8_t) code, .sentence = sentence};

        s->pending.id = 0;
        buf_clear(&s->pending.verdict);
        s->state = SESSION_ENDING;
        send_or_close(s, msg_refusal_encode(&s->answer, &m));
}

static const uint8_t *if_known(const uint8_t digest[static 32]) {
        static const uint8_t zeroes[32];

        return span_equal(span_make(digest, 32), span_make(zeroes, 32)) ? NULL : digest;
}

void request_refuse_pending(Session *s, RefusalCode code, Span sentence) {
        const Pending *p = &s->pending;
        AuditRequest a = {
                .alias = span_from_string(p->alias),
                .profile = span_from_string(p->profile),
                .generation = p->generation,
                .call_id = span_from_string(p->call_id),
                .destination = span_from_string(p->destination),
                .tls_version = p->tls_version,
                .scheme = p->scheme,
                .transcript_sha256 = if_known(p->transcript_sha256),
                .server_spki_sha256 = if_known(p->server_spki_sha256),
        };

        audit_refusal(&a, code, sentence);
        request_relay_refusal(s, code, sentence);
}

/* HELLO, WATCH, BYE */

static int on_hello(Verifier *v _unused_, Session *s, Span body) {
        MsgHello m;
        int r;

        if (msg_hello_decode(body, &m) != 0)
                return REQUEST_E_MALFORMED;
        if (m.version != PROTO_VERSION) {
                session_violation(s, "it speaks another version of the protocol");
                return 0;
        }

        m.version = PROTO_VERSION;
        r = msg_hello_encode(&s->answer, MSG_WELCOME, &m);
        if (r < 0)
                return r;

        s->state = SESSION_READY;
        session_send_answer(s);
        return 0;
}

static int on_watch(Verifier *v, Session *s, Span body) {
        if (msg_empty_decode(body) != 0)
                return REQUEST_E_MALFORMED;

        s->state = SESSION_WATCHING;
        session_tell_snapshot(v, s);
        return 0;
}

static int on_bye(Verifier *v _unused_, Session *s, Span body) {
        if (msg_empty_decode(body) != 0)
                return REQUEST_E_MALFORMED;

        session_close(s);
        return 0;
}

/* SIGN */

static void note_request(Pending *p, const MsgSign *m, const PolicyDecision *d) {
        p->request_id = m->request_id;
        p->generation = m->generation;
        p->tls_version = m->tls_version;
        p->scheme = m->scheme;
        memset(p->server_spki_sha256, 0, sizeof(p->server_spki_sha256));
        span_copy_text(m->alias, p->alias, sizeof(p->alias));
        span_copy_text(m->call_id, p->call_id, sizeof(p->call_id));
        snprintf(p->profile, sizeof(p->profile), "%.*s", (int) d->profile.size,
                 (const char *) (d->profile.data ? d->profile.data : (const uint8_t *) ""));
        snprintf(p->destination, sizeof(p->destination), "%s", d->destination);
}

static int ask_signer(Verifier *v, Session *s, const MsgSign *m, const CheckResult *checked) {
        Pending *p = &s->pending;
        MsgVerdict verdict = {
                .request_id = ++v->last_id,
                .alias = m->alias,
                .generation = m->generation,
                .call_id = m->call_id,
                .tls_version = m->tls_version,
                .scheme = m->scheme,
                .deadline_usec = p->deadline_usec,
                .destination = span_from_string(p->destination),
                .to_sign = m->tls_version == TLS_VERSION_1_3 ? span_make(checked->transcript_hash, checked->transcript_hash_size) : m->transcript,
        };
        int r;

        memcpy(verdict.server_spki_sha256, checked->server_spki_sha256, sizeof(verdict.server_spki_sha256));
        memcpy(verdict.transcript_sha256, p->transcript_sha256, sizeof(verdict.transcript_sha256));
        memcpy(p->server_spki_sha256, checked->server_spki_sha256, sizeof(p->server_spki_sha256));

        buf_clear(&p->verdict);
        r = msg_verdict_encode(&p->verdict, &verdict);
        if (r < 0)
                return r;

        p->id = verdict.request_id;
        signer_channel_flush(v);
        return 0;
}

/* Return: 0 when it may be signed; 1 when it was refused and answered; -errno */
static int check_request(Verifier *v, Session *s, const MsgSign *m, CheckResult *ret) {
        uint64_t now = now_usec();
        int64_t realtime = time(NULL);
        PolicyDecision d;
        int r;

        r = policy_decide(v->policy, m->alias, m->generation, now, realtime, &d);
        note_request(&s->pending, m, &d);
        s->pending.deadline_usec = MIN_OF(m->deadline_usec, now + VERIFIER_SIGN_USEC);
        if (EVP_Digest(m->transcript.data, m->transcript.size, s->pending.transcript_sha256, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;

        if (m->deadline_usec <= now) {
                request_refuse_pending(s, REFUSAL_INTERNAL, SPAN_LITERAL("the time for this handshake had run out"));
                return 1;
        }
        if (r != 0) {
                request_refuse_pending(s, d.code, span_from_string(d.sentence));
                return 1;
        }

        r = check_handshake(&d.check, v->cache, realtime, m->tls_version, m->scheme, m->transcript, ret);
        if (r > 0)
                request_refuse_pending(s, ret->code, span_from_string(ret->sentence));
        return r;
}

/* decode; look up, policy and check; act: the answer comes from the signer */
static int on_sign(Verifier *v, Session *s, Span body) {
        uint64_t started_usec = now_usec();
        CheckResult checked = {};
        MsgSign m;
        int r;

        if (msg_sign_decode(body, &m) != 0)
                return REQUEST_E_MALFORMED;

        r = check_request(v, s, &m, &checked);
        if (r > 0)
                return 0;
        s->pending.busy_usec = now_usec() - started_usec;
        if (r == 0)
                r = ask_signer(v, s, &m, &checked);
        if (r < 0) {
                log_errno(r, "Cannot check a handshake");
                request_refuse_pending(s, REFUSAL_INTERNAL, SPAN_LITERAL("the verifier has failed"));
        }

        return 0;
}

/* the table */

#define IN(state) (1U << (state))
#define ASKING (IN(SESSION_READY) | IN(SESSION_WATCHING))

typedef struct Request {
        unsigned states;
        size_t size_max; /* of the body */
        Handler handle;
} Request;

/* clang-format off */
static const Request requests[_MSG_REQUEST_MAX] = {
        /*             states             body at most          handler */
        [MSG_HELLO] = {IN(SESSION_NEW),   2,                    on_hello},
        [MSG_WATCH] = {IN(SESSION_READY), 0,                    on_watch},
        [MSG_SIGN]  = {ASKING,            PROTO_RECORD_MAX - 1, on_sign},
        [MSG_BYE]   = {ASKING,            0,                    on_bye},
};
/* clang-format on */

void request_dispatch(Verifier *v, Session *s, Span record) {
        const Request *request;
        uint8_t type;
        Span body;
        int r;

        if (msg_split(record, &type, &body) != 0) {
                session_violation(s, "a record is empty");
                return;
        }

        request = type < ARRAY_SIZE(requests) && requests[type].handle ? &requests[type] : NULL;
        if (!request)
                session_violation(s, "a message is of unknown type");
        else if (!(request->states & IN(s->state)))
                session_violation(s, "a message is out of turn");
        else if (body.size > request->size_max)
                session_violation(s, "a message is too long");
        else {
                r = request->handle(v, s, body);
                if (r == REQUEST_E_MALFORMED)
                        session_violation(s, "a message is malformed");
                else if (r < 0) {
                        log_errno(r, "Cannot answer calld");
                        session_close(s);
                }
        }
}
