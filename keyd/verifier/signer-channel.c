/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A session has one verdict under way at most, so what is pending is bounded by the number of sessions. An answer whose id fits no session
 * came too late, or was meant for a verifier that has died: it is dropped.
 */

#include "keyd/verifier/signer-channel.h"

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "keyd/verifier/requests.h"

bool signer_channel_wants_room(const Verifier *v) {
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (v->sessions[i].pending.verdict.size > 0)
                        return !v->signer_gone;
        return false;
}

static void channel_broke(Verifier *v, int error) {
        if (!v->signer_gone)
                log_errno(error, "The channel to the signer has broken");
        v->signer_gone = true;
}

void signer_channel_flush(Verifier *v) {
        for (size_t i = 0; i < SESSIONS_MAX; i++) {
                Session *s = &v->sessions[i];
                int r = 0;

                if (s->pending.verdict.size == 0)
                        continue;
                if (!v->signer_gone)
                        r = chan_send(ROLE_FD_VERDICTS, buf_span(&s->pending.verdict), 0);
                if (r == -EAGAIN)
                        return;
                if (r == -ENOBUFS || r == -ENOMEM) {
                        buf_done(&s->pending.verdict);
                        request_refuse_pending(s, REFUSAL_INTERNAL, SPAN_LITERAL("there is no memory to ask the signer"));
                        continue;
                }
                if (r < 0)
                        channel_broke(v, r);

                buf_done(&s->pending.verdict);
                if (v->signer_gone)
                        request_refuse_pending(s, REFUSAL_INTERNAL, SPAN_LITERAL("the signer is not there"));
        }
}

static Session *find_pending(Verifier *v, uint64_t id) {
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (session_is_open(&v->sessions[i]) && v->sessions[i].pending.id == id)
                        return &v->sessions[i];
        return NULL;
}

/* Return: 0, 1 when it is no answer */
static int take_answer(Verifier *v, Span record) {
        MsgSignature signature;
        MsgRefusal refusal;
        Session *s;
        uint8_t type;
        Span body;

        if (msg_split(record, &type, &body) != 0)
                return 1;

        if (type == MSG_SIGNATURE && msg_signature_decode(body, &signature) == 0) {
                s = signature.request_id == 0 ? NULL : find_pending(v, signature.request_id);
                if (s)
                        request_relay_signature(s, signature.signature, signature.busy_usec);
                return 0;
        }

        if (type == MSG_REFUSAL && msg_refusal_decode(body, &refusal) == 0) {
                s = refusal.request_id == 0 ? NULL : find_pending(v, refusal.request_id);
                if (s)
                        request_relay_refusal(s, refusal.code, refusal.sentence);
                return 0;
        }

        return 1;
}

void signer_channel_read(Verifier *v) {
        int r;

        r = chan_receive(ROLE_FD_VERDICTS, &v->record, 0);
        if (r == -EAGAIN)
                return;
        if (r == 0)
                r = take_answer(v, buf_span(&v->record)) == 0 ? 0 : CHAN_E_VIOLATION;

        if (r == CHAN_E_VIOLATION)
                log_message(PRIORITY_ERROR, "The signer sent a record that is no answer");
        else if (r != 0)
                channel_broke(v, r < 0 ? r : -ECONNRESET);
}

void signer_channel_expire(Verifier *v, uint64_t now) {
        for (size_t i = 0; i < SESSIONS_MAX; i++) {
                Session *s = &v->sessions[i];

                if (session_is_open(s) && s->pending.id != 0 && (s->pending.deadline_usec <= now || v->signer_gone))
                        request_refuse_pending(s, REFUSAL_INTERNAL, SPAN_LITERAL("the signer has not answered in time"));
        }
}
