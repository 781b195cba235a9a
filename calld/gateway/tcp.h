#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A caller over TCP (the socket calld-tcp): nobody knows who it is, so it has to show the token, and to mean it
 *
 * Every program of the host can connect to a loopback port, and every web page can have a browser do so, under a name of its own that leads here
 * (DNS rebinding).
 */

#include "calld/gateway/exchange.h"

/* Whether the request may be looked at; its target is known. Return: false with e->error filled and recorded */
bool tcp_may_call(Exchange *e);

/* For tests. @token: what was shown, NULL for nothing. Takes the same time whatever @token holds. */
bool tcp_token_matches(Span wanted, const char *token);
