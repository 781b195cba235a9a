/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "calld/gateway/exchange.h"
#include "calld/gateway/listener.h"

/* Idle connections that a user may have beyond MaxCallsPerUser=. */
#define CONNECTIONS_SPARE 64U

/* A resolver that is silent must not cost callers more. */
#define UNIT_USEC (20 * USEC_PER_MSEC)

uid_t client_uid(const Client *c) {
        return c->has_peer ? c->peer.uid : USER_UNKNOWN;
}

/* libmicrohttpd notices and closes. */
static void client_hang_up(Client *c) {
        client_set_wait(c, CLIENT_WAIT_NOTHING);
        shutdown(c->fd, SHUT_RDWR);
}

/* Nothing was answered yet on this request and the answer before it is out, so the line is ours. */
static void send_timeout(Client *c) {
        char text[1024];
        int n;

        n = exchange_format_timeout(c, text, sizeof(text));
        if (n > 0)
                ignore_result(send(c->fd, text, (size_t) n, MSG_DONTWAIT | MSG_NOSIGNAL), "a caller that does not read it is closed all the same");
}

static void on_deadline(void *userdata) {
        Client *c = userdata;

        if (c->wait == CLIENT_WAIT_HEADER)
                send_timeout(c);
        client_hang_up(c);
}

static int on_hangup(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Client *c = userdata;

        (void) fd;
        (void) events;
        sd_event_source_set_enabled(source, SD_EVENT_OFF);
        c->hung_up = true;
        if (c->exchange)
                exchange_on_hangup(c->exchange);
        return 0;
}

void client_set_wait(Client *c, ClientWait wait) {
        const Gateway *g = c->listener->gateway;
        uint64_t timeout = wait == CLIENT_WAIT_HEADER ? gateway_header_timeout(g) : gateway_idle_timeout(g);

        c->wait = wait;
        lazy_timer_set(&c->timer, wait == CLIENT_WAIT_NOTHING ? USEC_INFINITY : deadline_after(timeout));
}

static void find_unit(Client *c) {
        const Gateway *g = c->listener->gateway;
        char unit[RESOLVE_TEXT_MAX + 1];

        /* calld itself reads no file; where the resolver cannot either, it is not asked */
        if (!g->shared->sees_processes)
                return;
        resolver_find_unit(g->access.names.userdata, c->peer.pid, deadline_after(UNIT_USEC), unit);
        snprintf(c->unit, sizeof(c->unit), "%s", unit);
}

static Client *client_free(Client *c) {
        if (!c)
                return NULL;

        lazy_timer_done(&c->timer);
        sd_event_source_disable_unref(c->hangup);
        free(c);
        return NULL;
}
DEFINE_CLEANUP(Client *, client_free)

static int client_new(Listener *l, int fd, Client **ret) {
        _cleanup_(client_freep) Client *c = NULL;
        sd_event *loop = l->gateway->loop;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->listener = l;
        c->fd = fd;
        c->has_peer = l->has_peer;
        r = c->has_peer ? peer_get(fd, &c->peer) : 0;
        if (r < 0)
                return r;
        if (c->has_peer)
                find_unit(c);

        r = lazy_timer_init(&c->timer, loop, USEC_PER_MSEC * 100, on_deadline, c);
        if (r < 0)
                return r;
        /* over TCP nothing but its FIN tells that a caller is gone, unless something is sent to it */
        r = sd_event_add_io(loop, &c->hangup, fd, c->has_peer ? 0 : EPOLLRDHUP, on_hangup, c);
        if (r < 0)
                return r;

        client_set_wait(c, CLIENT_WAIT_HEADER);
        *ret = TAKE_PTR(c);
        return 0;
}

static bool client_count(Client *c) {
        Gateway *g = c->listener->gateway;

        return shared_add_connection(g->shared, client_uid(c), g->directory->limits.max_calls_per_user + CONNECTIONS_SPARE);
}

static void client_forget_new(Client *c) {
        c->listener->gateway->n_new_clients -= c->is_new;
        c->is_new = false;
}

void client_on_request(Client *c) {
        client_forget_new(c);
        /* the first request of a connection has been waited for since it was accepted */
        if (c->wait == CLIENT_WAIT_REQUEST)
                client_set_wait(c, CLIENT_WAIT_HEADER);
}

static void client_on_closed(Client *c) {
        shared_remove_connection(c->listener->gateway->shared, client_uid(c));
        client_forget_new(c);
        gateway_check_drained(c->listener->gateway);
}

void client_on_connection(void *userdata, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        Listener *l = userdata;
        Client *c = *context;

        if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
                (*l->gateway->n_clients)--;
                if (c)
                        client_on_closed(c);
                *context = client_free(c);
                return;
        }

        l->n_given--;
        if (client_new(l, info->connect_fd, &c) < 0) {
                shutdown(info->connect_fd, SHUT_RDWR);
                return;
        }
        c->is_new = true;
        c->listener->gateway->n_new_clients++;
        if (!client_count(c))
                client_hang_up(c);
        *context = c;
}

Client *client_of(struct MHD_Connection *connection) {
        const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

        return info ? info->socket_context : NULL;
}
