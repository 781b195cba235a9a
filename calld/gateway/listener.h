#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* libmicrohttpd on sd-event: one of its daemons for each listening socket */

#include "calld/gateway/gateway-internal.h"

struct Listener {
        Gateway *gateway; /* borrowed */
        struct MHD_Daemon *daemon;
        bool has_peer;
        sd_event_source *io;    /* libmicrohttpd's own epoll descriptor */
        sd_event_source *timer; /* when it wants to run next */
        sd_event_source *defer; /* to run it soon, never from within itself */
};

/* Takes over @fd. Return: 0 or -errno */
int listener_new(Gateway *g, int fd, bool has_peer, Listener **ret) _must_check_;

/* Closes all its connections; none is suspended. */
Listener *listener_free(Listener *l);
DEFINE_CLEANUP(Listener *, listener_free)

/* Runs libmicrohttpd from the loop: after a connection was resumed. */
void listener_wake(Listener *l);

/* Accepts nothing more. */
void listener_quiesce(Listener *l);
