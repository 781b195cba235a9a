/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/worker.h"

#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"

typedef enum OrderKind {
        ORDER_TAKE,     /* a caller with an identity */
        ORDER_TAKE_TCP, /* one without */
        ORDER_DRAIN,
} OrderKind;

/* What the worker is to do; in its pipe, which keeps the order and takes each whole. */
typedef struct Order {
        uint32_t kind;
        int32_t fd;
        uint64_t timeout_usec;
} Order;

struct Worker {
        pthread_t thread;
        bool started, draining;
        int orders[2]; /* a pipe: it reads, its maker writes */
        atomic_uint n_clients;

        /* the thread's own, once it runs */
        sd_event *loop;
        Directory directory;
        ResolverClient *resolver;
        Watch *watch;
        Caller *caller;
        Gateway *gateway;
        sd_event_source *io;
};

static void obey(Worker *w, const Order *o) {
        if (o->kind == ORDER_DRAIN)
                gateway_drain(w->gateway, o->timeout_usec);
        else
                gateway_take(w->gateway, o->fd, o->kind == ORDER_TAKE);
}

static int on_orders(sd_event_source *source, int fd, uint32_t events, void *userdata) {
        Worker *w = userdata;
        Order orders[32];
        ssize_t n;

        (void) source;
        (void) events;
        n = read(fd, orders, sizeof(orders));
        for (size_t i = 0; n > 0 && i < (size_t) n / sizeof(*orders); i++)
                obey(w, &orders[i]);
        if (n == 0)
                sd_event_exit(w->loop, 0); /* its maker wants it gone */
        return 0;
}

static int worker_prepare(Worker *w, uid_t keyd_uid, int resolver_fd, Shared *shared) {
        _cleanup_fd_ int fd = resolver_fd;
        int r;

        if (pipe2(w->orders, O_CLOEXEC | O_NONBLOCK) < 0)
                return -errno;

        r = sd_event_new(&w->loop);
        if (r >= 0)
                r = sd_event_add_io(w->loop, &w->io, w->orders[0], EPOLLIN, on_orders, w);
        if (r >= 0)
                r = resolver_client_new(w->loop, TAKE_FD(fd), keyd_uid, NULL, NULL, &w->resolver);
        if (r >= 0)
                r = watch_new(w->loop, w->resolver, &w->directory, &shared->watches[shared->n_watches++], &w->watch);
        if (r >= 0)
                r = caller_new(w->loop, w->resolver, w->watch, &w->caller);
        if (r >= 0)
                r = gateway_new(w->loop, &w->directory, w->caller, w->resolver, shared, &w->n_clients, &w->gateway);
        return r;
}

int worker_new(uid_t keyd_uid, int resolver_fd, Shared *shared, Worker **ret) {
        _cleanup_(worker_freep) Worker *w = NULL;
        int r;

        w = calloc(1, sizeof(*w));
        if (!w) {
                close(resolver_fd);
                return -ENOMEM;
        }

        w->orders[0] = w->orders[1] = -1;
        r = worker_prepare(w, keyd_uid, resolver_fd, shared);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(w);
        return 0;
}

static void close_unread(Worker *w) {
        Order o;

        while (w->orders[0] >= 0 && read(w->orders[0], &o, sizeof(o)) == sizeof(o))
                close_fdp(&o.fd);
}

Worker *worker_free(Worker *w) {
        if (!w)
                return NULL;

        if (!w->draining)
                close_fdp(&w->orders[1]);
        if (w->started)
                ASSERT(pthread_join(w->thread, NULL) == 0);

        close_unread(w);
        sd_event_source_disable_unref(w->io);
        gateway_free(w->gateway);
        watch_free(w->watch);
        resolver_client_free(w->resolver);
        directory_done(&w->directory);
        caller_free(w->caller);
        sd_event_unref(w->loop);
        close_fdp(&w->orders[0]);
        close_fdp(&w->orders[1]);
        free(w);
        return NULL;
}

ssize_t worker_wait_first(Worker *w, uint64_t deadline_usec) {
        int r;

        ASSERT(!w->started);
        r = watch_wait_first(w->watch, deadline_usec);
        return r < 0 ? r : (ssize_t) w->directory.n_connections;
}

bool worker_best_effort(const Worker *w) {
        ASSERT(!w->started);
        return w->directory.limits.best_effort;
}

static void *worker_run(void *userdata) {
        Worker *w = userdata;
        int r;

        caller_enter(w->caller);
        r = sd_event_loop(w->loop);
        caller_enter(NULL);
        if (r < 0) {
                log_errno(r, "A worker's event loop failed");
                _exit(EXIT_FAILURE); /* its callers would wait for ever */
        }
        return NULL;
}

int worker_start(Worker *w) {
        int r;

        r = pthread_create(&w->thread, NULL, worker_run, w);
        if (r != 0)
                return -r;
        w->started = true;
        return 0;
}

unsigned worker_load(const Worker *w) {
        return w->n_clients;
}

static int worker_order(Worker *w, const Order *o) {
        return write(w->orders[1], o, sizeof(*o)) == sizeof(*o) ? 0 : -errno;
}

int worker_give(Worker *w, int fd, bool has_peer) {
        int r;

        w->n_clients++;
        r = worker_order(w, &(Order) {.kind = has_peer ? ORDER_TAKE : ORDER_TAKE_TCP, .fd = fd});
        if (r < 0)
                w->n_clients--;
        return r;
}

void worker_drain(Worker *w, uint64_t timeout_usec) {
        /* fails when the pipe is full of connections that nobody took: there is nothing worth waiting for */
        w->draining = worker_order(w, &(Order) {.kind = ORDER_DRAIN, .fd = -1, .timeout_usec = timeout_usec}) == 0;
}

size_t worker_count(void) {
        cpu_set_t set;

        if (sched_getaffinity(0, sizeof(set), &set) < 0)
                return 1;
        return MIN_OF((size_t) CPU_COUNT(&set), (size_t) SHARED_WORKERS_MAX);
}
