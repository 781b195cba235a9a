/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/listener.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "calld/gateway/client.h"
#include "calld/gateway/exchange.h"

/*
 * libmicrohttpd's memory for one connection: the header with what it makes of it, then half of it for a piece of the body. It clears it all
 * after each request, so more is slower.
 */
#define CONNECTION_MEMORY_MIN (64U * 1024)
#define CONNECTION_MEMORY_MAX (4U * 1024 * 1024)

static void set_timer(Listener *l) {
        MHD_UNSIGNED_LONG_LONG ms;
        bool wanted = MHD_get_timeout(l->daemon, &ms) == MHD_YES;

        if (wanted && ms == 0)
                listener_wake(l);
        lazy_timer_set(&l->timer, wanted && ms > 0 ? deadline_after((uint64_t) ms * USEC_PER_MSEC) : USEC_INFINITY);
}

static void listener_run(void *userdata) {
        Listener *l = userdata;

        MHD_run(l->daemon);
        /* What it was given, here or when it was added, it has told of by now, or closed unseen. */
        *l->gateway->n_clients -= l->n_given;
        l->n_given = 0;
        set_timer(l);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Listener *l = userdata;

        (void) source;
        (void) fd;
        (void) events;
        turn_begin(l->turn);
        listener_run(l);
        turn_end(l->turn);
        return 0;
}

static void on_deadline(void *userdata) {
        listener_wake(userdata);
}

void listener_wake(Listener *l) {
        turn_add(l->turn, &l->due);
}

void listener_take(Listener *l, int fd) {
        struct sockaddr nobody = {.sa_family = l->has_peer ? AF_UNIX : AF_INET};

        /* it closes what it does not take, at once or, since its 1.0, when it runs next */
        l->n_given++;
        ignore_result(MHD_add_connection(l->daemon, fd, &nobody, sizeof(nobody)), "the connection callback says what it took");
        listener_wake(l);
}

static int start_daemon(Listener *l) {
        size_t memory = MIN_OF(MAX_OF(2 * gateway_max_header_bytes(l->gateway), CONNECTION_MEMORY_MIN), CONNECTION_MEMORY_MAX);

        l->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, exchange_on_request, l,
                                     MHD_OPTION_CONNECTION_LIMIT, UINT_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory, MHD_OPTION_CONNECTION_TIMEOUT,
                                     0U, MHD_OPTION_URI_LOG_CALLBACK, exchange_on_target, l, MHD_OPTION_NOTIFY_COMPLETED, exchange_on_completed, l,
                                     MHD_OPTION_NOTIFY_CONNECTION, client_on_connection, l, MHD_OPTION_END);
        return l->daemon ? 0 : -EIO;
}

static int add_sources(Listener *l) {
        const union MHD_DaemonInfo *info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
        sd_event *loop = l->gateway->loop;
        int r;

        if (!info)
                return -EIO;

        r = sd_event_add_io(loop, &l->io, info->epoll_fd, EPOLLIN, on_io, l);
        return r < 0 ? r : lazy_timer_init(&l->timer, loop, USEC_PER_MSEC, on_deadline, l);
}

int listener_new(Gateway *g, bool has_peer, Listener **ret) {
        _cleanup_(listener_freep) Listener *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        l->gateway = g;
        l->has_peer = has_peer;
        l->turn = caller_turn(g->caller);
        l->due = (TurnItem) {.run = listener_run, .userdata = l};
        r = start_daemon(l);
        if (r < 0)
                return r;

        r = add_sources(l);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(l);
        return 0;
}

Listener *listener_free(Listener *l) {
        if (!l)
                return NULL;

        sd_event_source_disable_unref(l->io);
        lazy_timer_done(&l->timer);
        if (l->daemon)
                MHD_stop_daemon(l->daemon);
        turn_remove(l->turn, &l->due);
        free(l);
        return NULL;
}
