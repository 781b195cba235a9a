#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What all workers count together: calls and connections against their limits, and the metrics
 *
 * The only state of calld that more than one thread sees. The lock is held for a few instructions.
 */

#include <pthread.h>

#include "calld/call/watch.h"
#include "calld/gateway/metrics.h"
#include "calld/gateway/users.h"
#include "common/daemon-options.h"

#define SHARED_WORKERS_MAX DAEMON_WORKERS_MAX

typedef struct Shared {
        WatchState watches[SHARED_WORKERS_MAX]; /* of the workers */
        size_t n_watches;                       /* does not change once they run */
        uint64_t started_usec;

        unsigned max_connections; /* of callers, at once */

        bool sees_processes; /* those of others, in /proc */
        char sandbox[128];   /* the confinement that was reached; written before the first caller is accepted */

        pthread_mutex_t lock; /* for what follows */
        Users users;
        Metrics metrics;
        unsigned n_calls; /* that count for MaxCalls= */
        size_t n_connections;
        uint64_t quiet_since_usec; /* when the last connection has gone */
} Shared;

enum {
        _SHARED_E_SUCCESS,
        SHARED_E_CALLS,          /* MaxCalls= */
        SHARED_E_CALLS_PER_USER, /* MaxCallsPerUser= */
};

/* Also raises the limit on descriptors as far as may be. */
void shared_init(Shared *s);
void shared_done(Shared *s);

/* Before the loop of the main thread runs, so that no caller was given to a worker yet. */
void shared_set_sandbox(Shared *s, bool has_filter, const char *landlock);

/* Counts a caller's connection in any case. Return: false when the user has more than its share, which is @min at least */
bool shared_add_connection(Shared *s, uid_t uid, unsigned min);
void shared_remove_connection(Shared *s, uid_t uid);

/* Since when no caller has been connected; 0: one is. */
uint64_t shared_quiet_since(Shared *s);

/* IdleExit= as the workers know it; 0: never. */
uint64_t shared_idle_exit(const Shared *s);

/* Counts a call. Return: 0, SHARED_E_* with the number that is there already in *ret_n; then it is not counted */
int shared_add_call(Shared *s, uid_t uid, unsigned max_calls, unsigned max_calls_per_user, unsigned *ret_n) _must_check_;
void shared_remove_call(Shared *s, uid_t uid);

/* A call that has ended. */
void shared_count(Shared *s, Span alias, CallCode code, const CallReport *report, uint64_t duration_usec);

/* Whether every worker has keyd. */
bool shared_keyd_is_up(const Shared *s);

/* keyd's revision that every worker has at least. */
uint64_t shared_revision(const Shared *s);

/* How many connections of former configurations are still used, summed up over the workers. */
unsigned shared_draining(const Shared *s);

/* When the last worker took the configuration that it has, realtime; 0: one has none */
uint64_t shared_configuration_usec(const Shared *s);

/* The calls under way. */
unsigned shared_n_calls(Shared *s);

/* A copy of the metrics, for metrics_done(). Return: 0 or -ENOMEM */
int shared_read(Shared *s, Metrics *ret) _must_check_;
