#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* LOAD, GENERATION, CRL, WATCH, FETCHER, RETRY, REFRESH, READY and IDLE: between the supervisor and its roles */

#include "common/proto.h"
#include "common/role.h"
#include "common/wire.h"

/* What the supervisor wants of a loader; GENERATION*, QUARANTINE*, the last snapshot's records and LOAD_END follow. */
typedef struct MsgLoad {
        uint64_t revision;                      /* of the snapshot to be made */
        bool resend_keys;                       /* it is not known which keys the signer has: it gets every one that can be loaded */
        bool signer_is_empty;                   /* it has none: what cannot be loaded now is lost */
        bool dry_run;                           /* tell what would happen; the signer gets nothing and no snapshot is taken */
        bool quiet;                             /* nobody asked, the time has come: only what has changed is worth a record */
        uint64_t realtime;                      /* now, seconds since 1970: by it certificates are valid or not */
        uint64_t previous_realtime;             /* that of the load by which the last snapshot was made; 0 when there is none */
        uint64_t fetched_realtime[ROLE_STORES]; /* when each store was asked for all that it should give; 0: never */
} MsgLoad;

/* A new key of the profile gets the number behind @last, so that none comes twice, whatever became of the loads in between. */
typedef struct MsgGeneration {
        Span profile; /* empty: every one that is not named; comes first */
        uint64_t last;
} MsgGeneration;

/* A part of a profile's certificate revocation lists, DER, one behind the other; for the verifier alone. */
typedef struct MsgCrl {
        Span profile;
        bool last;
        Span part;
} MsgCrl;

/* A change here is a reason to load again. */
typedef struct MsgWatch {
        Span folder; /* absolute */
        Span name;   /* of the entry that matters; empty: every one */
} MsgWatch;

/* A fetcher is wanted. */
typedef struct MsgFetcher {
        uint8_t store; /* RoleStore */
        bool program;  /* by running a program, not over the network */
        bool whole;    /* it is to be asked for all that it should give; else for what is missing */
} MsgFetcher;

/* Something could not be loaded that may be there soon, without a file being changed. */
typedef struct MsgRetry {
        uint32_t after_sec; /* not before; 0: no wish */
} MsgRetry;

/* What was loaded is to be loaded again soon. */
typedef struct MsgRefresh {
        uint32_t within_sec;
} MsgRefresh;

/* A role has confined itself and is at work. */
typedef struct MsgReady {
        Span text; /* what it reached: for `midtls status` and the manager's status line */
} MsgReady;

/* The verifier has no connection left, of all that it was given since it was started. */
typedef struct MsgIdle {
        uint64_t n_callers;
} MsgIdle;

int msg_load_decode(Span body, MsgLoad *ret) _must_check_;
int msg_load_encode(Buf *record, const MsgLoad *m) _must_check_;
int msg_generation_decode(Span body, MsgGeneration *ret) _must_check_;
int msg_generation_encode(Buf *record, const MsgGeneration *m) _must_check_;
int msg_crl_decode(Span body, MsgCrl *ret) _must_check_;
int msg_crl_encode(Buf *record, const MsgCrl *m) _must_check_;
int msg_watch_decode(Span body, MsgWatch *ret) _must_check_;
int msg_watch_encode(Buf *record, const MsgWatch *m) _must_check_;
int msg_fetcher_decode(Span body, MsgFetcher *ret) _must_check_;
int msg_fetcher_encode(Buf *record, const MsgFetcher *m) _must_check_;
int msg_retry_decode(Span body, MsgRetry *ret) _must_check_;
int msg_retry_encode(Buf *record, const MsgRetry *m) _must_check_;
int msg_refresh_decode(Span body, MsgRefresh *ret) _must_check_;
int msg_refresh_encode(Buf *record, const MsgRefresh *m) _must_check_;
int msg_ready_decode(Span body, MsgReady *ret) _must_check_;
int msg_ready_encode(Buf *record, const MsgReady *m) _must_check_;
int msg_idle_decode(Span body, MsgIdle *ret) _must_check_;
int msg_idle_encode(Buf *record, const MsgIdle *m) _must_check_;
