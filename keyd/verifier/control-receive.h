#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The one place in keyd's roles where a descriptor is taken in: from the supervisor only */

#include "common/buf.h"
#include "common/chan.h"

/*
 * As chan_receive() without waiting, but a record may bring one descriptor, which is CLOEXEC and owned by the caller; *ret_fd is -1 without.
 *
 * Return: 0, CHAN_E_CLOSED, CHAN_E_VIOLATION (cut off, or with more than one descriptor; none is kept), -EAGAIN, other -errno
 */
int control_receive(int fd, Buf *ret, int *ret_fd) _must_check_;
