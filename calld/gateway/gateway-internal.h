#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The gateway as its own files see it */

#include <microhttpd.h>

#include "calld/gateway/access.h"
#include "calld/gateway/gateway.h"

typedef struct Exchange Exchange;
typedef struct Client Client;
typedef struct Listener Listener;

struct Gateway {
        sd_event *loop;
        const Directory *directory;
        Caller *caller;
        Shared *shared;
        atomic_uint *n_clients;

        Listener *listeners[2]; /* [true]: of callers with an identity */

        Access access;
        Exchange *exchanges; /* all of them, linked */
        size_t n_exchanges;
        size_t n_new_clients; /* that have not begun their first request */

        bool draining;
        sd_event_source *drain_timer;
};

/* Limits of midtls.conf, or their defaults while nothing was stated. */
uint64_t gateway_header_timeout(const Gateway *g);
uint64_t gateway_idle_timeout(const Gateway *g);
size_t gateway_max_header_bytes(const Gateway *g);

/* Ends the loop when it is draining and nothing is left to do. */
void gateway_check_drained(Gateway *g);
