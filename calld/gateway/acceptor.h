#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Takes callers' connections from a listening socket and gives each to the worker that has the fewest */

#include <systemd/sd-event.h>

#include "calld/gateway/worker.h"

typedef struct Acceptor Acceptor;

/*
 * Takes over @fd, a listening, non-blocking socket. @workers is borrowed and outlives it. @has_peer: as in worker_give(). @max: connections of all
 * workers together. Return: 0 or -errno
 */
int acceptor_new(sd_event *loop, int fd, bool has_peer, Worker *const *workers, size_t n_workers, unsigned max, Acceptor **ret) _must_check_;

/* What was not accepted waits in the socket for who listens next. */
Acceptor *acceptor_free(Acceptor *a);
DEFINE_CLEANUP(Acceptor *, acceptor_free)
