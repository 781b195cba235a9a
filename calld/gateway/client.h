#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A caller's connection: who it is, and how long we wait for it
 *
 * Made and freed by libmicrohttpd's connection callback. libmicrohttpd's own timeout is for all waits alike, and says nothing when it closes.
 */

#include "calld/call/lazy-timer.h"
#include "calld/gateway/gateway-internal.h"
#include "common/peer.h"

typedef enum ClientWait {
        CLIENT_WAIT_NOTHING, /* we are the ones who are busy */
        CLIENT_WAIT_HEADER,  /* HeaderTimeout=, then 408 */
        CLIENT_WAIT_REQUEST, /* IdleTimeout= between two requests, then closed */
        CLIENT_WAIT_BODY,    /* IdleTimeout= without progress, either way */
} ClientWait;

struct Client {
        Listener *listener; /* borrowed */
        int fd;             /* libmicrohttpd's */
        bool has_peer;
        Peer peer;
        char unit[256]; /* systemd unit, "" when not known */
        ClientWait wait;
        bool is_new; /* no request yet */
        LazyTimer timer;
        sd_event_source *hangup; /* libmicrohttpd does not look at a suspended connection */
        bool hung_up;
        Exchange *exchange; /* under way, borrowed; or NULL */
};

/* For MHD_OPTION_NOTIFY_CONNECTION */
void client_on_connection(void *userdata, struct MHD_Connection *connection, void **context, enum MHD_ConnectionNotificationCode code);

/* The client of a connection, or NULL. */
Client *client_of(struct MHD_Connection *connection);

/* Waits from now on; the time begins anew. */
void client_set_wait(Client *c, ClientWait wait);

/* The first line of a request is here. */
void client_on_request(Client *c);

uid_t client_uid(const Client *c);
