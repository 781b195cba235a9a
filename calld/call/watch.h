#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The WATCH connection to keyd: fills the directory, and knows whether keyd is there
 *
 * Reconnects by itself: at once, then after 100 ms, doubling up to 5 s; while calls want keyd, each 100 ms. The directory stays when keyd goes.
 */

#include <stdatomic.h>
#include <systemd/sd-event.h>

#include "calld/call/directory.h"
#include "calld/resolver/client.h"

typedef struct Watch Watch;

/* What other threads may know of a watch. */
typedef struct WatchState {
        atomic_bool up;                   /* from a complete snapshot until the connection ends */
        _Atomic(uint64_t) revision;       /* of the last snapshot; 0: there was none */
        _Atomic(uint64_t) changed_usec;   /* when that was taken, realtime */
        atomic_uint n_draining;           /* connections that it no longer has and calls still use */
        _Atomic(uint64_t) idle_exit_usec; /* [Calls] IdleExit= of it */
} WatchState;

/* Starts to connect; @resolver, @d and @state outlive the watch. Return: 0 or -errno */
int watch_new(sd_event *loop, ResolverClient *resolver, Directory *d, WatchState *state, Watch **ret) _must_check_;
Watch *watch_free(Watch *w);
DEFINE_CLEANUP(Watch *, watch_free)

bool watch_is_up(const Watch *w);

/* A call wants keyd, which is not there: it is tried soon, and not when the time for that has come. */
void watch_hurry(Watch *w);

/* Runs the loop until the first snapshot is there or @deadline passed. Return: 0, -ETIMEDOUT, other -errno */
int watch_wait_first(Watch *w, uint64_t deadline_usec) _must_check_;
