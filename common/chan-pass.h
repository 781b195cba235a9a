#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Records that may come with one descriptor
 *
 * Apart from chan.h, so that a process which takes none links no code that could.
 */

#include "common/chan.h"

/* Sends one record with a copy of @passed (-1: without). Does not wait. Return: 0, -EAGAIN, -EPIPE, -ECONNRESET, other -errno */
int chan_send_with(int fd, Span record, int passed) _must_check_;

/*
 * Receives one record, and in *ret_passed the descriptor that came with it, CLOEXEC, the caller's to close; -1 without. Does not wait. Two
 * descriptors, or another control message, are a violation, and nothing of them stays open.
 *
 * Return: as chan_receive
 */
int chan_receive_with(int fd, Buf *ret, int *ret_passed) _must_check_;
