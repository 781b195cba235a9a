#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the supervisor's parts know of each other; one owner, one thread */

#include <sys/types.h>
#include <systemd/sd-event.h>

#include "common/generations.h"
#include "common/proto.h"
#include "common/record-list.h"
#include "common/role.h"
#include "keyd/supervisor/channel.h"
#include "keyd/supervisor/supervisor.h"

typedef struct Supervisor Supervisor;

/* child.c: the roles that live on */

typedef enum ChildId {
        CHILD_SIGNER,
        CHILD_VERIFIER,
        _CHILD_MAX,
} ChildId;

#define CHILD_CRASHES_MAX 16U

typedef struct Child {
        Supervisor *supervisor;
        ChildId id;
        pid_t pid; /* 0: does not run */
        sd_event_source *exit_source;
        sd_event_source *deadline_source;
        Channel *control;
        bool ready;
        char text[PROTO_TEXT_MAX + 1]; /* of READY */
        unsigned n_restarts;
        uint64_t crashes_usec[CHILD_CRASHES_MAX];
        size_t n_crashes;
} Child;

const char *child_name(ChildId id);
int child_start(Supervisor *s, ChildId id) _must_check_;

/* Queues the current snapshot for the verifier. */
int child_send_snapshot(Supervisor *s) _must_check_;

/* Has a look at whether @c takes what is queued for it within its time. */
void child_watch_queue(Child *c);

/* TERM, and KILL for who does not hear; returns when all are gone. */
void child_stop_all(Supervisor *s);

/* "was killed by signal 9 (Killed)", "ended with status 1" */
void child_describe_end(const siginfo_t *end, char *ret, size_t size);

/* quarantine.c: profiles that others do not wait for */

#define QUARANTINE_TEXT_MAX 256U

/* It is left out of every load but one of its own, which comes when the others have been published. */
typedef struct Quarantined {
        struct Quarantined *next;
        char profile[PROTO_NAME_MAX + 1];
        bool due;                           /* a load of its own is to come */
        bool failed;                        /* the last one was in vain; else its files take long, but can be read */
        bool failed_dry;                    /* the same of the dry run under way */
        char sentence[QUARANTINE_TEXT_MAX]; /* why it has no key, if it has none */
        char hint[QUARANTINE_TEXT_MAX];
} Quarantined;

Quarantined *quarantine_find(const Supervisor *s, const char *profile);

/* Finds it or puts it in. Return: 0, -E2BIG, -ENOMEM */
int quarantine_put(Supervisor *s, const char *profile, Quarantined **ret) _must_check_;
void quarantine_release(Supervisor *s, Quarantined *q);

/* All are due, or none is. */
void quarantine_set_due(Supervisor *s, bool due);
void quarantine_forget_dry(Supervisor *s);

/* The one whose turn it is, or NULL. */
Quarantined *quarantine_next(const Supervisor *s);

/* QUARANTINE records of those that a load leaves out: all but @patient. A dry run: what has failed in it. Return: 0 or -errno */
int quarantine_list(const Supervisor *s, const char *patient, bool dry_run, RecordList **ret) _must_check_;
void quarantine_done(Supervisor *s);

/* load.c: one loader at a time, and which */

typedef struct Load Load;

/* What is loaded for one reason: those that can be read quickly first, then each that is due by itself */
typedef struct LoadRound {
        bool again;                     /* the last load left something to be published by another */
        bool quiet;                     /* nobody asked */
        bool wants_retry;               /* the last load left something that is to be tried again */
        bool reported;                  /* all but those in quarantine */
        char tried[PROTO_NAME_MAX + 1]; /* the last profile that had a load of its own */
        uint32_t n_failed;
} LoadRound;

typedef enum LoadReason {
        LOAD_AT_START,
        LOAD_CHANGE,  /* a file, a signal, root */
        LOAD_REFRESH, /* nobody asked */
} LoadReason;

typedef struct SnapshotCounts {
        uint32_t n_connections, n_profiles, n_unavailable;
} SnapshotCounts;

/* Loads as soon as no other load is under way. @dry_run: see MsgLoad. */
void load_request(Supervisor *s, LoadReason reason, bool dry_run);

/* The signer is new: what is under way is of no use to it. */
void load_signer_lost(Supervisor *s);

/* Kills a loader that is under way and waits for its end. */
void load_stop(Supervisor *s);

/* fetcher.c: what may speak to a secret store for one load, and when a store that failed is asked again */

typedef struct Fetcher {
        int loader_fd;  /* the loader's end of their channel, until it has it */
        int fetcher_fd; /* the fetcher's end, until it has it */
        pid_t pid;      /* 0: none was started */
} Fetcher;

/* Return: 0 or -errno; either way fetcher_stop() ends what there is. */
int fetcher_prepare(Fetcher *f) _must_check_;

/* Before: the loader has its end. Return: 0 or -errno */
int fetcher_start(Supervisor *s, bool by_program, Fetcher *f) _must_check_;
void fetcher_stop(Fetcher *f);

/* Loads again later: each time in a row about twice as late as the last time, not before @after_sec, not after the refresh. */
void fetcher_arm_retry(Supervisor *s, uint32_t after_sec);

/* linger.c: loaders that have ended, and are not reaped yet */

#define LINGERING_MAX 8U

typedef struct Lingering {
        pid_t pid;
        uint64_t until_usec;
} Lingering;

int linger_start(Supervisor *s) _must_check_;

/* @pid has ended; reaps it later. */
void linger_add(Supervisor *s, pid_t pid);
void linger_stop(Supervisor *s);

/* load-record.c: what a loader may say, and when */

typedef enum LoadStage {
        LOAD_STAGE_BEGIN,
        LOAD_STAGE_SNAPSHOT,
        LOAD_STAGE_CERTIFICATES,
        LOAD_STAGE_CRL,
        LOAD_STAGE_PROFILE,
        LOAD_STAGE_CONNECTION,
        LOAD_STAGE_END,
} LoadStage;

typedef struct LoadRecords {
        LoadStage stage;
        uint64_t revision; /* what SNAPSHOT must say */
        RecordList *list;  /* the snapshot as the verifier gets it */
        SnapshotCounts counts;
        const Generations *known;      /* borrowed */
        uint64_t realtime;             /* when the load began, seconds since 1970 */
        uint64_t idle_exit_usec;       /* of the configuration */
        uint64_t next_date;            /* after that: when the first certificate begins to be valid, or is no longer; UINT64_MAX: none does */
        const char *only;              /* borrowed; NULL, or the one profile whose reports count */
        uint32_t n_failed;             /* reports that are failures */
        bool has_fetcher[ROLE_STORES]; /* it was asked for */
        bool is_fetched[ROLE_STORES];  /* for all that it should give */
        RoleStore store;               /* LOAD_RECORD_E_FETCHER: for which */
        bool store_by_program;
        bool wants_retry;
        uint32_t retry_after_sec;
        uint32_t refresh_sec; /* to load again at the latest; 0: no wish */
        RecordList *keep;     /* KEEP; NULL: none came */
        bool keep_is_whole;   /* and these are all */
        uint32_t n_extra;     /* records that are not kept */
} LoadRecords;

enum {
        _LOAD_RECORD_E_SUCCESS,
        LOAD_RECORD_E_VIOLATION, /* malformed, out of turn, too many */
        LOAD_RECORD_E_WATCH,     /* for the caller: a WATCH */
        LOAD_RECORD_E_REPORT,    /* for the caller: a REPORT */
        LOAD_RECORD_E_PROGRESS,  /* for the caller: a PROGRESS */
        LOAD_RECORD_E_FETCHER,   /* for the caller: it wants the fetcher of r->store */
};

/* @known: the numbers that keys have had; a new one is one higher. */
int load_records_init(LoadRecords *r, uint64_t revision, uint64_t realtime, const Generations *known) _must_check_;
void load_records_done(LoadRecords *r);

/* @record comes from the loader, which has read files that anybody may have written. Return: 0, LOAD_RECORD_E_*, -errno */
int load_records_take(LoadRecords *r, Span record) _must_check_;

/* Notes the numbers that were said so far, however the load ends. Return: 0 or -ENOMEM */
int load_records_note_generations(const LoadRecords *r, Generations *ret) _must_check_;

/* True when both say the same apart from their revision. */
bool load_records_same(const RecordList *a, const RecordList *b);

/* idle.c: the end when nobody has asked for IdleExit= */

int idle_start(Supervisor *s) _must_check_;

/* @record comes from the verifier. Return: 0, or 1 when it is no ROLE_IDLE or says what cannot be */
int idle_take(Supervisor *s, Span record) _must_check_;

/* callers.c: connections of calld */

int callers_start(Supervisor *s) _must_check_;

/* Accepts, or leaves connections in the backlog, as the verifier's state says. */
void callers_update(Supervisor *s);

/* watch.c: folders that matter */

typedef struct Watch {
        struct Watch *next;
        Supervisor *supervisor;
        sd_event_source *source;
        char *folder;
        char *name;     /* "" for every entry */
        unsigned round; /* the load that last named it */
        bool gone;      /* the kernel does not watch it any more */
} Watch;

int watch_start(Supervisor *s) _must_check_;

/* Whoever calls it loads anew now. */
void watch_forget_changes(Supervisor *s);

/* Begins a round: what is not named again until watch_end_round() is forgotten. */
void watch_begin_round(Supervisor *s);
int watch_add(Supervisor *s, Span folder, Span name) _must_check_;
void watch_end_round(Supervisor *s);
void watch_done(Supervisor *s);

/* keep.c: makes the files say what @list, of KEEP, says. What fails is logged; what is there stays. */
void keep_profiles(const RecordList *list);

/* admin.c */

#define ADMIN_CLIENTS_MAX 8U
#define ADMIN_QUEUED_MAX 16384U /* records for a client that does not read */

typedef enum AdminState {
        ADMIN_STATE_IDLE,
        ADMIN_STATE_WAITING, /* for a load to begin */
        ADMIN_STATE_SERVED,  /* by the load under way */
} AdminState;

typedef struct AdminClient {
        Supervisor *supervisor;
        Channel *channel; /* NULL: the slot is free */
        sd_event_source *idle_source;
        AdminState state;
        bool dry_run;
} AdminClient;

int admin_start(Supervisor *s) _must_check_;
void admin_stop(Supervisor *s);

/* A load begins, reports, ends: for those who asked for one of its kind. */
void admin_load_begun(Supervisor *s, bool dry_run);
void admin_load_report(Supervisor *s, bool dry_run, Span record);
void admin_load_ended(Supervisor *s, bool dry_run, uint32_t n_failed);

/* supervisor.c */

struct Supervisor {
        const SupervisorParameters *p;
        sd_event *loop;

        Child children[_CHILD_MAX];
        int verdicts[2];      /* the verifier's end, the signer's; both are kept so that either can be replaced */
        int keys[2];          /* the loader's end, the signer's; new with each signer */
        bool signer_is_empty; /* no load has come to its end since it was started */
        bool signer_is_known; /* what it has is what the snapshot says: the last load has come to its end */

        RecordList *snapshot; /* NULL: none yet */
        SnapshotCounts counts;
        uint64_t revision, snapshot_realtime;
        uint64_t fetched_realtime[ROLE_STORES]; /* when each was last asked for all that it should give, seconds since 1970 */
        uint32_t refresh_sec;                   /* the last load's wish to be followed by another; 0: none */
        Generations generations;                /* of loads that went well or not */
        uint64_t next_date;                     /* as in LoadRecords, of the last load; UINT64_MAX while one is under way */
        bool announced;                         /* READY=1 was said */

        Load *load; /* NULL: none under way */
        bool wanted, wanted_dry, wanted_quiet;
        LoadRound round;
        Quarantined *quarantine;
        size_t n_quarantined;
        unsigned n_loads, n_failed_loads;
        unsigned n_retries; /* rounds in a row after which something was left to be tried again */
        sd_event_source *refresh_source, *retry_source;
        Lingering lingering[LINGERING_MAX]; /* oldest first */
        size_t n_lingering;
        sd_event_source *linger_source;

        sd_event_source *accept_source;
        uint64_t n_callers;      /* handed to this verifier */
        uint64_t n_callers_gone; /* as it says */

        uint64_t idle_exit_usec;  /* 0: never */
        uint64_t idle_since_usec; /* 0: is not idle */
        sd_event_source *idle_source;

        Watch *watches;
        size_t n_watches;
        unsigned watch_round;
        sd_event_source *debounce_source;
        uint64_t first_change_usec; /* 0: none is waiting */

        sd_event_source *admin_source;
        AdminClient admins[ADMIN_CLIENTS_MAX];
};

/* Tells the manager how things are. */
void supervisor_announce(Supervisor *s);

/* Ends the loop; @error is what supervisor_run() returns. */
void supervisor_fail(Supervisor *s, int error);

/* A one-shot timer, off until supervisor_arm(). */
int supervisor_add_timer(Supervisor *s, sd_event_time_handler_t handler, void *userdata, sd_event_source **ret) _must_check_;
void supervisor_arm(sd_event_source *timer, uint64_t after_usec);
