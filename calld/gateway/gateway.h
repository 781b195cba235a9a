#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The gateway: HTTP/1.1 in, calls out
 *
 * libmicrohttpd runs on the one event loop, without threads. Bodies stream both ways through small buffers; whoever is slower stops the other.
 * libmicrohttpd cannot send an answer before the whole request was read: what nobody wants of a request any more is read and dropped.
 */

#include <systemd/sd-event.h>

#include "calld/call/call.h"

typedef struct Gateway Gateway;

/* All parameters are borrowed and outlive the gateway. Return: 0 or -errno */
int gateway_new(sd_event *loop, const Directory *directory, const Watch *watch, Caller *caller, Gateway **ret) _must_check_;

/* Ends all calls, closes all connections. */
Gateway *gateway_free(Gateway *g);
DEFINE_CLEANUP(Gateway *, gateway_free)

/* Takes over @fd, a listening socket. @has_peer: AF_UNIX, so that callers have an identity. Return: 0 or -errno */
int gateway_listen(Gateway *g, int fd, bool has_peer) _must_check_;

/* Accepts nothing more, and ends the loop when the last call is over, or after @timeout_usec. */
void gateway_drain(Gateway *g, uint64_t timeout_usec);
