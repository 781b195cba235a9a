#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One loader: started, fed with the last snapshot, listened to, killed when late. What its end means is decided in load.c. */

#include <signal.h>

#include "keyd/supervisor/progress.h"
#include "keyd/supervisor/supervisor-internal.h"

/* What is wanted of a loader. */
typedef struct LoadOrder {
        bool dry_run, quiet;
        char patient[PROTO_NAME_MAX + 1]; /* the profile in quarantine for which this load is; empty: none */
        const char *only;                 /* as in LoadRecords; borrowed */
} LoadOrder;

struct Load {
        Supervisor *supervisor;
        LoadOrder order;
        pid_t pid;
        int pidfd;
        sd_event_source *exit_source, *deadline_source;
        Channel *channel;
        Fetcher fetchers[ROLE_STORES];
        LoadRecords records;
        Progress progress;
        uint64_t own_usec; /* what went by so far and is no profile's time */
        bool patient_is_slow;
        bool resend_keys;
        bool obsolete;                   /* what it was for has passed: its end means nothing */
        const char *fault;               /* why it fails, whatever its exit says; NULL: so far none */
        ProgressState state;             /* not PROGRESS_GOES_ON: for this it was killed */
        char blamed[PROTO_NAME_MAX + 1]; /* in this profile */
};

Load *load_free(Load *l);

/* Return: 0 with *ret, whose end load_ended() is told, or -errno */
int load_start(Supervisor *s, const LoadOrder *order, Load **ret) _must_check_;
void load_give_up(Load *l, const char *fault);

/* load.c: the loader has ended, and all that it said was taken. */
void load_ended(Load *l, const siginfo_t *end);

uint64_t load_realtime_usec(void);
