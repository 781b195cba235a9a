#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* libmicrohttpd on sd-event: one of its daemons for each kind of caller */

#include "calld/call/lazy-timer.h"
#include "calld/gateway/gateway-internal.h"

struct Listener {
        Gateway *gateway; /* borrowed */
        struct MHD_Daemon *daemon;
        bool has_peer;
        unsigned n_given;    /* connections that libmicrohttpd has, and has not told of yet */
        Turn *turn;          /* borrowed */
        TurnItem due;        /* to run it soon, never from within itself */
        sd_event_source *io; /* libmicrohttpd's own epoll descriptor */
        LazyTimer timer;     /* when it wants to run next */
};

/* Return: 0 or -errno */
int listener_new(Gateway *g, bool has_peer, Listener **ret) _must_check_;

/* Closes all its connections; none is suspended. */
Listener *listener_free(Listener *l);
DEFINE_CLEANUP(Listener *, listener_free)

/* Runs libmicrohttpd from the loop: after a connection was resumed. */
void listener_wake(Listener *l);

/* Takes over @fd, a caller's connection, which the gateway's n_clients counts. */
void listener_take(Listener *l, int fd);
