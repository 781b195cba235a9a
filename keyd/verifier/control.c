/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/control.h"

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "common/msg-snapshot.h"
#include "keyd/verifier/control-receive.h"

/* Return: 0, POLICY_E_MALFORMED, -errno */
typedef int (*Handler)(Verifier *v, Span record, int *fd);

static Span body_of(Span record) {
        return span_make(record.data + 1, record.size - 1);
}

static void drop_next(Verifier *v) {
        v->next_policy = policy_free(v->next_policy);
        v->next_snapshot = snapshot_unref(v->next_snapshot);
}

static int on_caller(Verifier *v, Span record, int *fd) {
        if (msg_empty_decode(body_of(record)) != 0)
                return POLICY_E_MALFORMED;

        v->n_callers++;
        session_open(v, fd);
        return 0;
}

/* A supervisor that begins anew means it: what was unfinished is dropped. */
static int on_snapshot(Verifier *v, Span record, int *fd _unused_) {
        MsgSnapshot m;
        int r;

        if (msg_snapshot_decode(body_of(record), &m) != 0)
                return POLICY_E_MALFORMED;

        drop_next(v);
        r = policy_new(&v->next_policy);
        if (r == 0)
                r = snapshot_new(&v->next_snapshot);
        return r < 0 ? r : snapshot_add(v->next_snapshot, record);
}

/* Return: as a handler; @r is what the policy said of it */
static int keep_record(Verifier *v, Span record, int r) {
        return r != 0 ? r : snapshot_add(v->next_snapshot, record);
}

static int on_certificates(Verifier *v, Span record, int *fd _unused_) {
        return keep_record(v, record, policy_add_certificates(v->next_policy, record));
}

/* For the verifier alone: calld is not told. */
static int on_crl(Verifier *v, Span record, int *fd _unused_) {
        return policy_add_crl(v->next_policy, record);
}

static int on_profile(Verifier *v, Span record, int *fd _unused_) {
        return keep_record(v, record, policy_add_profile(v->next_policy, record));
}

static int on_connection(Verifier *v, Span record, int *fd _unused_) {
        return keep_record(v, record, policy_add_connection(v->next_policy, record));
}

static int on_snapshot_end(Verifier *v, Span record, int *fd _unused_) {
        int r;

        if (msg_empty_decode(body_of(record)) != 0)
                return POLICY_E_MALFORMED;

        r = keep_record(v, record, policy_finish(v->next_policy, v->policy, now_usec()));
        if (r != 0)
                return r;

        policy_free(v->policy);
        v->policy = TAKE_PTR(v->next_policy);
        snapshot_unref(v->snapshot);
        v->snapshot = TAKE_PTR(v->next_snapshot);
        chain_cache_clear(v->cache);

        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (session_is_open(&v->sessions[i]))
                        session_tell_snapshot(v, &v->sessions[i]);
        return 0;
}

typedef struct ControlRow {
        bool in_snapshot; /* between SNAPSHOT and SNAPSHOT_END only */
        bool with_fd;     /* a descriptor comes with it; with no other */
        Handler handle;
} ControlRow;

/* clang-format off */
static const ControlRow rows[] = {
        /*                   in snapshot  descriptor  handler */
        [ROLE_CALLER]      = {false,      true,       on_caller},
        [ROLE_CRL]         = {true,       false,      on_crl},
        [MSG_SNAPSHOT]     = {false,      false,      on_snapshot},
        [MSG_CERTIFICATES] = {true,       false,      on_certificates},
        [MSG_PROFILE]      = {true,       false,      on_profile},
        [MSG_CONNECTION]   = {true,       false,      on_connection},
        [MSG_SNAPSHOT_END] = {true,       false,      on_snapshot_end},
};
/* clang-format on */

static void violation(Verifier *v, unsigned type, const char *reason) {
        log_message(PRIORITY_ERROR, "A record of type 0x%02x from the supervisor %s%s", type, reason,
                    v->next_policy ? ": this snapshot is not taken" : "");
        drop_next(v);
}

void control_record(Verifier *v, Span record, int *fd) {
        _cleanup_fd_ int taken = TAKE_FD(*fd);
        const ControlRow *row;
        uint8_t type;
        Span body;
        int r;

        if (msg_split(record, &type, &body) != 0) {
                violation(v, 0, "is empty");
                return;
        }

        row = type < ARRAY_SIZE(rows) && rows[type].handle ? &rows[type] : NULL;
        if (!row)
                violation(v, type, "is not known");
        else if (row->in_snapshot && !v->next_policy)
                violation(v, type, "is out of turn");
        else if (row->with_fd != (taken >= 0))
                violation(v, type, taken >= 0 ? "has a descriptor" : "has no descriptor");
        else {
                r = row->handle(v, record, &taken);
                if (r == POLICY_E_MALFORMED)
                        violation(v, type, "is malformed");
                else if (r < 0)
                        violation(v, type, r == -E2BIG ? "is one too many" : "finds no memory");
        }
}

/* Said again later when it could not be said. */
void control_tell_idle(Verifier *v) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        MsgIdle m = {.n_callers = v->n_callers};

        if (v->n_callers_gone == v->n_callers)
                return;
        for (size_t i = 0; i < SESSIONS_MAX; i++)
                if (session_is_open(&v->sessions[i]))
                        return;

        if (msg_idle_encode(&record, &m) == 0 && chan_send(ROLE_FD_CONTROL, buf_span(&record), 0) == 0)
                v->n_callers_gone = v->n_callers;
}

int control_read(Verifier *v) {
        _cleanup_fd_ int fd = -1;
        int r;

        r = control_receive(ROLE_FD_CONTROL, &v->record, &fd);
        if (r == -EAGAIN)
                return 0;
        /* The latter: it went without reading what we last said. */
        if (r == CHAN_E_CLOSED || r == -ECONNRESET)
                return CONTROL_E_CLOSED;
        if (r == CHAN_E_VIOLATION) {
                violation(v, 0, "is too long, or has too many descriptors");
                return 0;
        }
        if (r < 0)
                return r;

        control_record(v, buf_span(&v->record), &fd);
        return 0;
}
