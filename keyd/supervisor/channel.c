/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/supervisor/channel.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/proto.h"

#define RECORDS_PER_WAKEUP 64U /* so that one busy channel does not starve the others */

typedef struct Item {
        struct Item *next;
        RecordList *list;
        size_t n_sent;
        int fd; /* goes with the first record; -1: none */
        bool replaceable;
} Item;

struct Channel {
        int fd;
        sd_event_source *source;
        const ChannelHandlers *handlers;
        void *userdata;
        Item *first, *last;
        size_t n_items;
        uint64_t progress_usec;
        Buf received;
};

static Item *item_free(Item *i) {
        if (!i)
                return NULL;

        record_list_unref(i->list);
        close_fdp(&i->fd);
        free(i);
        return NULL;
}

/* Takes the first item off the queue. */
static void pop(Channel *c) {
        Item *i = c->first;

        c->first = i->next;
        if (!c->first)
                c->last = NULL;
        c->n_items--;
        item_free(i);
}

Channel *channel_free(Channel *c) {
        if (!c)
                return NULL;

        while (c->first)
                pop(c);
        sd_event_source_disable_unref(c->source);
        close_fdp(&c->fd);
        buf_done(&c->received);
        free(c);
        return NULL;
}

static int set_events(Channel *c) {
        return sd_event_source_set_io_events(c->source, EPOLLIN | (c->first ? EPOLLOUT : 0));
}

/* One record, with a descriptor when @fd is not -1. Return: 0 or -errno */
static int send_record(int socket, Span record, int fd) {
        union {
                struct cmsghdr header;
                uint8_t space[CMSG_SPACE(sizeof(int))];
        } control = {};
        struct iovec iov = {.iov_base = (void *) record.data, .iov_len = record.size};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};

        if (fd < 0)
                return chan_send(socket, record, 0);

        m.msg_control = &control;
        m.msg_controllen = sizeof(control.space);
        *CMSG_FIRSTHDR(&m) = (struct cmsghdr) {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &fd, sizeof(int));

        return sendmsg(socket, &m, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Sends until the queue is empty or the socket full. Return: 0 or -errno */
static int flush(Channel *c) {
        bool was_busy = c->first;
        int r;

        while (c->first) {
                Item *i = c->first;

                if (i->n_sent == record_list_count(i->list)) {
                        pop(c);
                        continue;
                }
                r = send_record(c->fd, record_list_get(i->list, i->n_sent), i->fd);
                if (r == -EAGAIN || r == -EINTR)
                        return set_events(c);
                if (r < 0)
                        return r;
                i->n_sent++;
                close_fdp(&i->fd);
                c->progress_usec = now_usec();
        }

        r = set_events(c);
        if (r >= 0 && was_busy && c->handlers->on_drained)
                c->handlers->on_drained(c, c->userdata);
        return r;
}

/* Return: false when the channel must not be touched any more */
static bool receive_some(Channel *c, size_t n_max) {
        for (size_t n = 0; n < n_max; n++) {
                int r = chan_receive(c->fd, &c->received, 0);

                if (r == -EAGAIN)
                        return true;
                if (r != 0) {
                        sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
                        c->handlers->on_end(c, r, c->userdata);
                        return false;
                }
                if (c->handlers->on_record(c, buf_span(&c->received), c->userdata) != 0)
                        return false;
        }
        return true;
}

void channel_receive_rest(Channel *c) {
        int enabled = SD_EVENT_OFF;

        ignore_result(sd_event_source_get_enabled(c->source, &enabled), "then it is off");
        if (enabled != SD_EVENT_OFF)
                ignore_result(receive_some(c, SIZE_MAX), "nothing is touched after it");
}

static int on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t events, void *userdata) {
        Channel *c = userdata;
        int r;

        if (events & EPOLLOUT) {
                r = flush(c);
                if (r < 0) {
                        sd_event_source_set_enabled(c->source, SD_EVENT_OFF);
                        c->handlers->on_end(c, r, c->userdata);
                        return 0;
                }
        }
        if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
                ignore_result(receive_some(c, RECORDS_PER_WAKEUP), "nothing is touched after it");

        return 0;
}

int channel_new(sd_event *loop, int *fd, const ChannelHandlers *handlers, void *userdata, Channel **ret) {
        _cleanup_(channel_freep) Channel *c = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c) {
                close_fdp(fd);
                return -ENOMEM;
        }
        *c = (Channel) {.fd = TAKE_FD(*fd), .handlers = handlers, .userdata = userdata, .received = BUF_INIT(PROTO_RECORD_MAX)};

        r = sd_event_add_io(loop, &c->source, c->fd, EPOLLIN, on_io, c);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

/* Takes *fd also on failure. */
static int add_item(Channel *c, RecordList *list, int *fd, bool replaceable) {
        _cleanup_fd_ int taken = TAKE_FD(*fd);
        Item *i = calloc(1, sizeof(*i));

        if (!i)
                return -ENOMEM;

        *i = (Item) {.list = record_list_ref(list), .fd = TAKE_FD(taken), .replaceable = replaceable};
        if (c->last)
                c->last->next = i;
        else {
                c->first = i;
                c->progress_usec = now_usec();
        }
        c->last = i;
        c->n_items++;

        return set_events(c);
}

int channel_send_fd(Channel *c, Span record, int *fd) {
        _cleanup_(record_list_unrefp) RecordList *list = NULL;
        int r;

        r = record_list_new(1, PROTO_RECORD_MAX, &list);
        if (r >= 0)
                r = record_list_add(list, record);
        if (r < 0) {
                close_fdp(fd);
                return r;
        }

        return add_item(c, list, fd, false);
}

int channel_send(Channel *c, Span record) {
        int none = -1;

        return channel_send_fd(c, record, &none);
}

int channel_send_list(Channel *c, RecordList *list) {
        int none = -1;

        return add_item(c, list, &none, true);
}

void channel_drop_unsent_lists(Channel *c) {
        Item *previous = NULL, *i = c->first;

        while (i) {
                Item *next = i->next;

                if (!i->replaceable || i->n_sent > 0) {
                        previous = i;
                        i = next;
                        continue;
                }
                *(previous ? &previous->next : &c->first) = next;
                if (c->last == i)
                        c->last = previous;
                c->n_items--;
                item_free(i);
                i = next;
        }
}

size_t channel_n_queued(const Channel *c) {
        return c->n_items;
}

uint64_t channel_stalled_since_usec(const Channel *c) {
        return c->first ? c->progress_usec : 0;
}
