#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The service manager's notification socket, see sd_notify(3)
 *
 * sd_notify() makes a socket for each word; this one is made once, since a process that has confined itself makes no AF_UNIX socket any more.
 */

#include "common/def.h"

/* Makes the socket, if there is a manager to be told. Return: 0 or -errno */
int notify_open(void) _must_check_;

/* Sends @state to $NOTIFY_SOCKET. Without a manager, or when it does not read, nothing happens. */
void notify_send(const char *state);
