/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/acceptor.h"

#include <limits.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Connections taken in one go, so that a signal is never far away. */
#define ACCEPT_BATCH 64U

/* While there is no room, who waits is looked at again after this. */
#define ACCEPT_PAUSE_USEC (20 * USEC_PER_MSEC)

struct Acceptor {
        int fd;
        bool has_peer;
        Worker *const *workers;
        size_t n_workers;
        unsigned max;
        sd_event_source *io, *timer;
};

/* The worker with the fewest connections; the first of equals, which has the most kept connections to far servers. Return: NULL when together they have as many as may be */
static Worker *choose(Acceptor *a) {
        unsigned sum = 0, least = UINT_MAX;
        Worker *best = NULL;

        for (size_t i = 0; i < a->n_workers; i++) {
                unsigned load = worker_load(a->workers[i]);

                sum += load;
                if (load < least) {
                        least = load;
                        best = a->workers[i];
                }
        }
        return sum < a->max ? best : NULL;
}

static void pause_accepting(Acceptor *a) {
        sd_event_source_set_enabled(a->io, SD_EVENT_OFF);
        sd_event_source_set_time_relative(a->timer, ACCEPT_PAUSE_USEC);
        sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

/* Return: whether there may be more */
static bool accept_one(Acceptor *a) {
        Worker *w = choose(a);
        int fd;

        if (!w) {
                pause_accepting(a);
                return false;
        }

        fd = accept4(a->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0) {
                /* without descriptors or memory the one who waits would wake us at once again */
                if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                        pause_accepting(a);
                return errno == ECONNABORTED || errno == EINTR;
        }

        if (worker_give(w, fd, a->has_peer) < 0)
                close(fd);
        return true;
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        (void) source;
        (void) fd;
        (void) events;
        for (unsigned i = 0; i < ACCEPT_BATCH && accept_one(userdata); i++)
                ;
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Acceptor *a = userdata;

        (void) source;
        (void) usec;
        sd_event_source_set_enabled(a->io, SD_EVENT_ON);
        return 0;
}

int acceptor_new(sd_event *loop, int fd, bool has_peer, Worker *const *workers, size_t n_workers, unsigned max, Acceptor **ret) {
        _cleanup_(acceptor_freep) Acceptor *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a) {
                close(fd);
                return -ENOMEM;
        }

        a->fd = fd;
        a->has_peer = has_peer;
        a->workers = workers;
        a->n_workers = n_workers;
        a->max = max;

        r = sd_event_add_io(loop, &a->io, fd, EPOLLIN, on_io, a);
        if (r < 0)
                return r;
        r = sd_event_add_time_relative(loop, &a->timer, CLOCK_MONOTONIC, ACCEPT_PAUSE_USEC, 0, on_timer, a);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(a->timer, SD_EVENT_OFF);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(a);
        return 0;
}

Acceptor *acceptor_free(Acceptor *a) {
        if (!a)
                return NULL;

        sd_event_source_disable_unref(a->io);
        sd_event_source_disable_unref(a->timer);
        close_fdp(&a->fd);
        free(a);
        return NULL;
}
