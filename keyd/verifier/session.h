#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Session: one connection of calld
 *
 * At any time it does one thing: it is read, waits for the signer, or sends what it owes. While it does one of the latter it is not read, so
 * requests are answered in order and a calld that asks without reading stops itself. A slot without a descriptor is free.
 */

#include "common/buf.h"
#include "common/msg-sign.h"
#include "common/role.h"
#include "keyd/verifier/snapshot.h"

#define SESSIONS_MAX 64U
#define SESSION_ANSWER_MAX 4096U

typedef struct Verifier Verifier;

typedef enum SessionState {
        SESSION_NEW,      /* has not said HELLO */
        SESSION_READY,    /* may ask */
        SESSION_WATCHING, /* may ask, and is told every snapshot */
        SESSION_ENDING,   /* is not read any more; closed when the answer is out */
        _SESSION_STATE_MAX,
} SessionState;

/* A SIGN for which the signer has been asked. */
typedef struct Pending {
        uint64_t id; /* of the verdict; 0: none is under way */
        uint64_t deadline_usec;
        uint64_t busy_usec; /* what the check took */
        Buf verdict;        /* not sent yet; empty afterwards */
        uint64_t request_id;
        uint64_t generation;
        char alias[PROTO_NAME_MAX + 1];
        char profile[PROTO_NAME_MAX + 1];
        char call_id[PROTO_CALL_ID_MAX + 1];
        char destination[ROLE_DESTINATION_MAX + 1];
        uint16_t tls_version;
        uint16_t scheme;
        uint8_t transcript_sha256[32];
        uint8_t server_spki_sha256[PROTO_PIN_SIZE];
} Pending;

typedef struct Session {
        int fd; /* -1: free */
        SessionState state;
        uint64_t deadline_usec;     /* for HELLO, or for what is to be sent; USEC_INFINITY: none */
        Buf answer;                 /* to be sent */
        Snapshot *telling;          /* the snapshot that is being sent */
        const SnapshotRecord *next; /* its next record */
        bool snapshot_due;          /* a newer one is to be sent after it */
        Pending pending;
} Session;

/* Makes a session of *fd, which is taken (closed when there is no free slot). */
void session_open(Verifier *v, int *fd);
void session_close(Session *s);

/* Closes the session and records why: what calld did is against the protocol. @reason is printable. */
void session_violation(Session *s, const char *reason);

static inline bool session_is_open(const Session *s) {
        return s->fd >= 0;
}

/* What poll() is to wait for. */
short session_events(const Session *s);

/* One record, when there is one and it is read now. */
void session_read(Verifier *v, Session *s);

/* Sends what can be sent. */
void session_flush(Session *s);

/* The current snapshot is owed; what is under way goes out first. */
void session_tell_snapshot(Verifier *v, Session *s);

/* What is in s->answer goes out. */
void session_send_answer(Session *s);

/* Closes it when its time is over. */
void session_expire(Session *s, uint64_t now);
