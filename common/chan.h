#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records over a SOCK_SEQPACKET socket: exactly one, whole, without descriptors
 */

#include "common/buf.h"

enum {
        _CHAN_E_SUCCESS,
        CHAN_E_CLOSED,    /* the peer has closed (an empty record looks the same; none is ever sent) */
        CHAN_E_VIOLATION, /* a record cut off (longer than the buffer's maximum) or one with a descriptor */
};

/*
 * Sends one record. Never raises SIGPIPE. @deadline_usec 0: does not wait.
 *
 * Return: 0, -EAGAIN (deadline 0 and no room), -ETIMEDOUT, -EPIPE, -ECONNRESET, other -errno
 */
int chan_send(int fd, Span record, uint64_t deadline_usec) _must_check_;

/*
 * Receives one record into @ret, whose maximum is the longest record taken. @deadline_usec 0: does not wait.
 *
 * Return: 0, CHAN_E_*, -EAGAIN (deadline 0 and nothing there), -ETIMEDOUT, other -errno
 */
int chan_receive(int fd, Buf *ret, uint64_t deadline_usec) _must_check_;

/*
 * Connects to the SOCK_SEQPACKET socket at @path; the descriptor is CLOEXEC and non-blocking. A full backlog is waited for.
 *
 * Return: 0, -ENAMETOOLONG, -ETIMEDOUT, -ECONNREFUSED, -ENOENT, other -errno
 */
int chan_connect(const char *path, uint64_t deadline_usec, int *ret_fd) _must_check_;
