#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The gateway: HTTP/1.1 in, calls out
 *
 * libmicrohttpd runs on its worker's event loop, without threads. Bodies stream both ways through small buffers; whoever is slower stops the other.
 * libmicrohttpd cannot send an answer before the whole request was read: what nobody wants of a request any more is read and dropped.
 */

#include <systemd/sd-event.h>

#include <stdatomic.h>

#include "calld/call/call.h"
#include "calld/gateway/shared.h"

typedef struct Gateway Gateway;

/*
 * All parameters are borrowed and outlive the gateway. @n_clients: connections given to it, counted down when one has ended.
 *
 * Return: 0 or -errno
 */
int gateway_new(sd_event *loop, const Directory *directory, Caller *caller, ResolverClient *resolver, Shared *shared, atomic_uint *n_clients,
                Gateway **ret) _must_check_;

/* Ends all calls, closes all connections. */
Gateway *gateway_free(Gateway *g);
DEFINE_CLEANUP(Gateway *, gateway_free)

/* Takes over @fd, a caller's connection. @has_peer: AF_UNIX, so that the caller has an identity. */
void gateway_take(Gateway *g, int fd, bool has_peer);

/* Ends the loop when the last call is over, or after @timeout_usec. */
void gateway_drain(Gateway *g, uint64_t timeout_usec);
