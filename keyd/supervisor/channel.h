#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Channel: a SOCK_SEQPACKET socket in the event loop, with a queue of what is to be sent
 *
 * Never blocks. The one place where a descriptor is sent; none is ever received (see common/chan.h).
 */

#include <systemd/sd-event.h>

#include "common/record-list.h"

typedef struct Channel Channel;

typedef struct ChannelHandlers {
        /* A record has come. Return: 0 to go on, 1 when the channel is gone or nothing more is wanted now */
        int (*on_record)(Channel *c, Span record, void *userdata);
        /* Closed (CHAN_E_CLOSED), CHAN_E_VIOLATION or a negative errno; the last call that is made. May free the channel. */
        void (*on_end)(Channel *c, int reason, void *userdata);
        /* The queue has become empty; may be NULL. */
        void (*on_drained)(Channel *c, void *userdata);
} ChannelHandlers;

/* Takes *fd. @handlers is borrowed (static), @userdata outlives the channel. Return: 0 or -errno */
int channel_new(sd_event *loop, int *fd, const ChannelHandlers *handlers, void *userdata, Channel **ret) _must_check_;
Channel *channel_free(Channel *c);
DEFINE_CLEANUP(Channel *, channel_free)

/* Queue a record; all records of a list, which is kept alive until then; a record with a descriptor (taken, also on failure). */
int channel_send(Channel *c, Span record) _must_check_;
int channel_send_list(Channel *c, RecordList *list) _must_check_;
int channel_send_fd(Channel *c, Span record, int *fd) _must_check_;

/* Drops lists that are queued with channel_send_list() and not begun: newer ones replace them. */
void channel_drop_unsent_lists(Channel *c);

/* What waits, in records with descriptors and lists; and since when nothing of it could be sent (0: nothing waits). */
size_t channel_n_queued(const Channel *c);
uint64_t channel_stalled_since_usec(const Channel *c);

/* Hands over all that has come, then on_end; for when the peer has ended. */
void channel_receive_rest(Channel *c);
