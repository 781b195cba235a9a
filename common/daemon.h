#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What both daemons do as systemd services: listening sockets by name, readiness, watchdog, end by signal
 */

#include <systemd/sd-event.h>

#include "common/def.h"

/*
 * The listening socket that LISTEN_FDNAMES calls @name; CLOEXEC and non-blocking. Sockets come from nowhere else.
 * Without LISTEN_FDNAMES a single passed descriptor is taken for the daemon's first name.
 *
 * Return: 0, -ENOENT when there is none of that name, -EINVAL when it is not a listening AF_UNIX socket of @socket_type, other -errno
 */
int daemon_take_socket(const char *name, int socket_type, int *ret_fd) _must_check_;

/* The same for a TCP socket. Return: as daemon_take_socket */
int daemon_take_tcp_socket(const char *name, int *ret_fd) _must_check_;

/* Makes SIGTERM and SIGINT end the loop, ignores SIGPIPE, answers WatchdogSec=. Return: 0 or -errno */
int daemon_prepare_loop(sd_event *loop) _must_check_;

/* The same with @on_end for the signals instead: who uses it ends the loop itself. Return: 0 or -errno */
int daemon_prepare_loop_with(sd_event *loop, sd_event_signal_handler_t on_end, void *userdata) _must_check_;

/* READY=1 with a status line; RELOADING=1, ended by READY=1; STATUS=; STOPPING=1 */
void daemon_notify_ready(const char *status_format, ...) _printf_(1, 2);
void daemon_notify_reloading(void);
void daemon_notify_status(const char *status_format, ...) _printf_(1, 2);
void daemon_notify_stopping(void);
