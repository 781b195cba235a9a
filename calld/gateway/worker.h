#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A worker: a thread with an event loop, a view of keyd, calls and a gateway of its own
 *
 * Workers share nothing but what Shared counts: no curl handle, no TLS session, no connection to keyd. A caller's connection stays with the
 * worker that it was given to. A worker that waits for a signature stops itself alone.
 *
 * All functions are for the thread that made it.
 */

#include "calld/gateway/gateway.h"

typedef struct Worker Worker;

/*
 * @shared outlives it; not more than SHARED_WORKERS_MAX. @resolver_fd: its channel to the resolver, taken over. @keyd_uid: who listens at keyd's socket.
 * Return: 0 or -errno
 */
int worker_new(uid_t keyd_uid, int resolver_fd, Shared *shared, Worker **ret) _must_check_;

/* Ends its calls, unless it was told to drain, then waits for its thread. */
Worker *worker_free(Worker *w);
DEFINE_CLEANUP(Worker *, worker_free)

/* Before worker_start(): until keyd has said which connections there are. Return: their number, -ETIMEDOUT, other -errno */
ssize_t worker_wait_first(Worker *w, uint64_t deadline_usec) _must_check_;

/* Before worker_start(): whether midtls.conf wants [Sandbox] Mode=best-effort; false while keyd has said nothing. */
bool worker_best_effort(const Worker *w);

/* Return: 0 or -errno */
int worker_start(Worker *w) _must_check_;

/* How many callers' connections it has. */
unsigned worker_load(const Worker *w);

/* Gives it a caller's connection, which it closes. @has_peer: AF_UNIX, so that the caller has an identity. Return: 0; -EAGAIN: not taken */
int worker_give(Worker *w, int fd, bool has_peer) _must_check_;

/* Ends when the last call is over, or after @timeout_usec. */
void worker_drain(Worker *w, uint64_t timeout_usec);

/* One for each core, SHARED_WORKERS_MAX at most. */
size_t worker_count(void);
