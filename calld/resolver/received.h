#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The one place where calld takes a descriptor: the resolver's answers */

#include <sys/types.h>

#include "common/chan-pass.h"
#include "common/msg-resolve.h"

/*
 * One answer. *ret_fd is a connection to keyd, made CLOEXEC and non-blocking, the caller's; -1 without.
 *
 * @keyd_uid: who listens for keyd; a descriptor that is no connection to a socket of theirs is a violation
 * Return: 0, CHAN_E_*, -EAGAIN when nothing is there, other -errno
 */
int received_answer(int fd, Buf *record, uid_t keyd_uid, MsgAnswer *ret, int *ret_fd) _must_check_;
