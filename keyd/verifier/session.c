/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/session.h"

#include <poll.h>

#include "common/chan.h"
#include "common/log.h"
#include "keyd/verifier/requests.h"
#include "keyd/verifier/verifier.h"

#define VIOLATIONS_PER_SECOND 20U

static void session_reset(Session *s) {
        *s = (Session) {
                .fd = -1,
                .deadline_usec = USEC_INFINITY,
                .answer = BUF_INIT(SESSION_ANSWER_MAX),
                .pending = {.verdict = BUF_INIT(PROTO_RECORD_MAX)},
        };
}

void session_close(Session *s) {
        close_fdp(&s->fd);
        buf_done(&s->answer);
        buf_done(&s->pending.verdict);
        s->telling = snapshot_unref(s->telling);
        session_reset(s);
}

/* Bounded per second; what was left out is said with the next. */
static void log_violation(const char *reason) {
        static uint64_t second;
        static unsigned n_written, n_left_out;
        uint64_t now = now_usec() / USEC_PER_SEC;

        if (now != second) {
                second = now;
                n_written = 0;
        }
        if (n_written >= VIOLATIONS_PER_SECOND) {
                n_left_out++;
                return;
        }

        n_written++;
        log_message(PRIORITY_WARNING, "A connection of calld is closed: %s (%u more before)", reason, n_left_out);
        n_left_out = 0;
}

void session_violation(Session *s, const char *reason) {
        log_violation(reason);
        session_close(s);
}

void session_open(Verifier *v, int *fd) {
        _cleanup_fd_ int new = TAKE_FD(*fd);

        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (!session_is_open(&v->sessions[i])) {
                        session_reset(&v->sessions[i]);
                        v->sessions[i].fd = TAKE_FD(new);
                        v->sessions[i].deadline_usec = deadline_after(VERIFIER_IDLE_USEC);
                        return;
                }

        log_violation("there are too many");
}

static bool has_output(const Session *s) {
        return s->answer.size > 0 || s->next;
}

static bool is_read(const Session *s) {
        return s->state != SESSION_ENDING && s->pending.id == 0 && !has_output(s);
}

short session_events(const Session *s) {
        return is_read(s) ? POLLIN : has_output(s) ? POLLOUT : 0;
}

void session_read(Verifier *v, Session *s) {
        int r;

        if (!is_read(s))
                return;

        r = chan_receive(s->fd, &v->record, 0);
        if (r == -EAGAIN)
                return;
        if (r == CHAN_E_VIOLATION)
                session_violation(s, "a record is too long, or has a descriptor");
        else if (r != 0)
                session_close(s);
        else
                request_dispatch(v, s, buf_span(&v->record));
}

/* Return: 0 when it is out, -EAGAIN, other -errno */
static int send_next(Session *s) {
        int r;

        /* Between two records of a snapshot nothing else is said. */
        if (s->next) {
                r = chan_send(s->fd, buf_span(&s->next->bytes), 0);
                if (r == 0)
                        s->next = s->next->next;
                return r;
        }

        r = chan_send(s->fd, buf_span(&s->answer), 0);
        if (r == 0)
                buf_done(&s->answer);
        return r;
}

void session_flush(Session *s) {
        while (has_output(s)) {
                int r = send_next(s);

                if (r == -EAGAIN)
                        return;
                if (r < 0) {
                        session_close(s);
                        return;
                }
        }

        if (s->state == SESSION_ENDING) {
                session_close(s);
                return;
        }
        if (s->state != SESSION_NEW)
                s->deadline_usec = USEC_INFINITY;
        s->telling = snapshot_unref(s->telling);
}

/* The time for what is owed runs from when it began to be owed. */
static void start_deadline(Session *s) {
        if (s->deadline_usec == USEC_INFINITY)
                s->deadline_usec = deadline_after(VERIFIER_IDLE_USEC);
}

void session_send_answer(Session *s) {
        start_deadline(s);
        session_flush(s);
}

void session_tell_snapshot(Verifier *v, Session *s) {
        if (s->state != SESSION_WATCHING || !v->snapshot)
                return;
        if (s->next) {
                s->snapshot_due = true;
                return;
        }

        s->snapshot_due = false;
        snapshot_unref(s->telling);
        s->telling = snapshot_ref(v->snapshot);
        s->next = s->telling->first;
        start_deadline(s);
        session_flush(s);
}

void session_expire(Session *s, uint64_t now) {
        if (s->deadline_usec > now)
                return;

        session_violation(s, s->state == SESSION_NEW ? "it has not said HELLO in time" : "it does not take what it asked for");
}
