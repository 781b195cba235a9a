/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/gateway-internal.h"

#include "calld/gateway/exchange.h"
#include "calld/gateway/listener.h"

/* While keyd has said nothing, what midtls.conf says by default. */
#define DEFAULT_HEADER_TIMEOUT_USEC (10 * USEC_PER_SEC)
#define DEFAULT_IDLE_TIMEOUT_USEC (60 * USEC_PER_SEC)
#define DEFAULT_MAX_HEADER_BYTES (64U * 1024)

uint64_t gateway_header_timeout(const Gateway *g) {
        return g->directory->limits.header_timeout_usec ? g->directory->limits.header_timeout_usec : DEFAULT_HEADER_TIMEOUT_USEC;
}

uint64_t gateway_idle_timeout(const Gateway *g) {
        return g->directory->limits.idle_timeout_usec ? g->directory->limits.idle_timeout_usec : DEFAULT_IDLE_TIMEOUT_USEC;
}

size_t gateway_max_header_bytes(const Gateway *g) {
        return g->directory->limits.max_header_bytes ? g->directory->limits.max_header_bytes : DEFAULT_MAX_HEADER_BYTES;
}

static int find_id(void *userdata, ResolveKind kind, Span name, uint64_t deadline_usec, uint32_t *ret) {
        return resolver_find_id(userdata, kind, name, deadline_usec, ret);
}

int gateway_new(sd_event *loop, const Directory *directory, Caller *caller, ResolverClient *resolver, Shared *shared, atomic_uint *n_clients,
                Gateway **ret) {
        _cleanup_(gateway_freep) Gateway *g = NULL;
        int r;

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        g->loop = sd_event_ref(loop);
        g->directory = directory;
        g->caller = caller;
        g->access.names = (AccessNames) {.find = find_id, .userdata = resolver};
        g->shared = shared;
        g->n_clients = n_clients;
        for (size_t i = 0; i < ARRAY_SIZE(g->listeners); i++) {
                r = listener_new(g, /* has_peer= */ i, &g->listeners[i]);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(g);
        return 0;
}

static void abort_all(Gateway *g) {
        for (Exchange *e = g->exchanges, *next; e; e = next) {
                next = e->next;
                exchange_abort(e);
        }
}

Gateway *gateway_free(Gateway *g) {
        if (!g)
                return NULL;

        g->draining = false;
        abort_all(g);
        for (size_t i = 0; i < ARRAY_SIZE(g->listeners); i++)
                listener_free(g->listeners[i]);
        ASSERT(g->n_exchanges == 0);

        sd_event_source_disable_unref(g->drain_timer);
        access_done(&g->access);
        sd_event_unref(g->loop);
        free(g);
        return NULL;
}

void gateway_take(Gateway *g, int fd, bool has_peer) {
        listener_take(g->listeners[has_peer], fd);
}

void gateway_check_drained(Gateway *g) {
        if (g->draining && g->n_exchanges == 0 && g->n_new_clients == 0)
                sd_event_exit(g->loop, 0);
}

static int on_drain_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Gateway *g = userdata;

        (void) source;
        (void) usec;
        return sd_event_exit(g->loop, 0);
}

/* Who was accepted has a request under way, although none of it may be here yet. An idle kept connection may be closed: RFC 9112 section 9.5. */
void gateway_drain(Gateway *g, uint64_t timeout_usec) {
        if (g->draining)
                return;

        g->draining = true;
        if (sd_event_add_time_relative(g->loop, &g->drain_timer, CLOCK_MONOTONIC, timeout_usec, 0, on_drain_timer, g) < 0)
                sd_event_exit(g->loop, 0);
        gateway_check_drained(g);
}
