/* SPDX-License-Identifier: Apache-2.0 */

/*
 * calld: takes plain HTTP on a Unix socket and calls out over mutual TLS; it never holds a private key
 *
 *      should      read its sockets from the service manager, start the resolver, then learn from keyd which connections there are
 *      must not    read configuration or keystores, listen anywhere else, start another process
 */

#include <malloc.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "calld/gateway/acceptor.h"
#include "calld/gateway/confine.h"
#include "calld/gateway/idle.h"
#include "calld/resolver/start.h"
#include "common/daemon.h"
#include "common/daemon-options.h"
#include "common/jail.h"
#include "common/landlock.h"
#include "common/log.h"

/* For the first snapshot: longer than keyd takes to open its keystores, shorter than a caller's patience. */
#define FIRST_SNAPSHOT_USEC (3 * USEC_PER_SEC)

/* While it waits for that, signals are looked for this often. */
#define SIGNALS_USEC (100 * USEC_PER_MSEC)

/* For calls under way at the end, while new ones wait in the backlog; TimeoutStopSec= is longer. */
#define DRAIN_USEC (20 * USEC_PER_SEC)

/* Free memory that a thread keeps. */
#define KEPT_BYTES (4 * 1024 * 1024)

#define KEYD_SOCKET "/run/midtls/keyd.sock"
#define PURPOSE "Takes plain HTTP on a Unix socket and calls out over mutual TLS."

static const DaemonOption options[] = {
        DAEMON_ROW_KEYD_SOCKET, DAEMON_ROW_LOG, DAEMON_ROW_CHECK, DAEMON_ROW_WORKERS, DAEMON_ROW_SANDBOX,
};

typedef struct Calld {
        int fd, tcp_fd; /* -1: not passed, or an acceptor's by now */
        sd_event *loop;
        int resolver_fds[SHARED_WORKERS_MAX + 1]; /* -1: a worker's by now */
        ResolverClient *resolver;                 /* of the main thread, to see when it ends */
        bool resolver_ended;
        bool best_effort; /* [Sandbox] Mode= */
        Shared shared;
        Worker *workers[SHARED_WORKERS_MAX];
        size_t n_workers;
        Acceptor *acceptors[2];
        Idle *idle;
} Calld;

static void calld_done(Calld *c) {
        idle_free(c->idle);
        for (size_t i = 0; i < ARRAY_SIZE(c->acceptors); i++)
                acceptor_free(c->acceptors[i]);
        for (size_t i = 0; i < c->n_workers; i++)
                worker_free(c->workers[i]);
        shared_done(&c->shared);
        resolver_client_free(c->resolver);
        for (size_t i = 0; i < ARRAY_SIZE(c->resolver_fds); i++)
                close_fdp(&c->resolver_fds[i]);
        sd_event_unref(c->loop);
        close_fdp(&c->fd);
        close_fdp(&c->tcp_fd);
}

/* The workers are waited for when they are freed. */
static void drain(Calld *c) {
        daemon_notify_stopping();
        for (size_t i = 0; i < ARRAY_SIZE(c->acceptors); i++)
                c->acceptors[i] = acceptor_free(c->acceptors[i]);
        for (size_t i = 0; i < c->n_workers; i++)
                worker_drain(c->workers[i], DRAIN_USEC);
        sd_event_exit(c->loop, 0);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        (void) source;
        (void) info;
        drain(userdata);
        return 0;
}

/* Another resolver can only be started by another calld, which may do that before it confines itself; the service manager starts that one. */
static void on_resolver_end(void *userdata) {
        Calld *c = userdata;

        log_message(PRIORITY_ERROR, "The resolver has ended, so calld ends too, to be started again");
        c->resolver_ended = true;
        drain(c);
}

/* Who connects from now on starts the next one: the listening sockets are the service manager's. */
static void on_idle(void *userdata) {
        drain(userdata);
}

static int take_sockets(Calld *c) {
        int r;

        r = daemon_take_socket("calld", SOCK_STREAM, &c->fd);
        if (r < 0)
                return log_errno(r, "No listening socket named calld was passed; midtls-calld.socket does that");

        r = daemon_take_tcp_socket("calld-tcp", &c->tcp_fd);
        return r < 0 && r != -ENOENT && r != -EINVAL ? log_errno(r, "The socket calld-tcp is not what it should be") : 0;
}

/* The service manager makes the socket and listens: root, unless a user tries the daemons out. */
static uid_t find_keyd_uid(const char *keyd_socket) {
        struct stat s;

        return stat(keyd_socket, &s) < 0 ? 0 : s.st_uid;
}

static int start_resolver(Calld *c, size_t n_workers, const DaemonOptions *o) {
        ResolverStart s = {.keyd_socket = o->keyd_socket, .log = o->log, .sandbox_off = o->sandbox_off, .n_channels = n_workers + 1};
        int r;

        r = resolver_start(&s, c->resolver_fds);
        if (r < 0)
                return log_errno(r, "Cannot start the resolver");
        r = resolver_client_new(c->loop, TAKE_FD(c->resolver_fds[n_workers]), find_keyd_uid(o->keyd_socket), on_resolver_end, c, &c->resolver);
        return r < 0 ? log_errno(r, "Cannot talk to the resolver") : 0;
}

static int make_workers(Calld *c, const DaemonOptions *o) {
        size_t n = o->workers > 0 ? o->workers : worker_count();
        int r;

        r = start_resolver(c, n, o);
        if (r < 0)
                return r;

        while (c->n_workers < n) {
                r = worker_new(find_keyd_uid(o->keyd_socket), TAKE_FD(c->resolver_fds[c->n_workers]), &c->shared, &c->workers[c->n_workers]);
                if (r < 0)
                        return log_errno(r, "Cannot make a worker");
                c->n_workers++;
        }
        return 0;
}

/* One worker's first snapshot, with an eye on signals. Return: as worker_wait_first(), -ECANCELED when the end was asked for meanwhile */
static ssize_t wait_for_worker(Calld *c, Worker *w, uint64_t deadline_usec) {
        ssize_t n;

        do {
                n = worker_wait_first(w, MIN_OF(deadline_usec, deadline_after(SIGNALS_USEC)));
                if (sd_event_run(c->loop, 0) < 0 || sd_event_get_state(c->loop) == SD_EVENT_FINISHED || sd_event_get_exit_code(c->loop, NULL) >= 0)
                        return -ECANCELED;
        } while (n == -ETIMEDOUT && now_usec() < deadline_usec);
        return n;
}

/* Without keyd the service starts all the same: it says why calls fail. Return: the number of connections or -errno */
static ssize_t wait_for_keyd(Calld *c, const char *keyd_socket) {
        uint64_t deadline = deadline_after(FIRST_SNAPSHOT_USEC);
        ssize_t n = 0;

        for (size_t i = 0; i < c->n_workers; i++) {
                n = wait_for_worker(c, c->workers[i], deadline);
                if (n == -ECANCELED)
                        return n;
                if (n == -ETIMEDOUT) {
                        log_message(PRIORITY_WARNING, "keyd does not answer at %s; calls fail until it does", keyd_socket);
                        return 0;
                }
                if (n < 0)
                        return log_errno((int) n, "Cannot wait for keyd");
        }
        return n;
}

static int start_workers(Calld *c) {
        int r;

        for (size_t i = 0; i < c->n_workers; i++) {
                r = worker_start(c->workers[i]);
                if (r < 0)
                        return log_errno(r, "Cannot start a worker");
        }

        r = acceptor_new(c->loop, TAKE_FD(c->fd), /* has_peer= */ true, c->workers, c->n_workers, c->shared.max_connections, &c->acceptors[0]);
        if (r >= 0 && c->tcp_fd >= 0)
                r = acceptor_new(c->loop, TAKE_FD(c->tcp_fd), /* has_peer= */ false, c->workers, c->n_workers, c->shared.max_connections,
                                 &c->acceptors[1]);
        return r < 0 ? log_errno(r, "Cannot listen") : 0;
}

/* What cannot be had, although the kernel has it, ends calld unless the configuration wants what there is. Return: 0 or @r */
static int judge(const Calld *c, int r, const char *what) {
        if (r >= 0)
                return 0;
        log_errno(r, "Cannot confine calld by %s%s", what, c->best_effort ? ", and goes on without, as [Sandbox] Mode=best-effort says" : "");
        return c->best_effort ? 0 : r;
}

static int serve_confined(Calld *c, bool sandbox_off) {
        char landlock[LANDLOCK_TEXT_MAX] = "no Landlock";
        bool has_filter;
        LogRecord rec;
        int r;

        c->best_effort = worker_best_effort(c->workers[0]);
        r = judge(c, sandbox_off ? 0 : confine_calld_files(landlock), "Landlock");
        if (r >= 0)
                r = start_workers(c);
        if (r < 0)
                return r;

        r = sandbox_off ? -EOPNOTSUPP : confine_calld();
        has_filter = r >= 0;
        r = judge(c, sandbox_off ? 0 : r, "a syscall filter");
        if (r < 0)
                return r;

        shared_set_sandbox(&c->shared, has_filter, landlock);
        log_record_init(&rec, has_filter ? PRIORITY_INFO : PRIORITY_WARNING, EVENT_SANDBOX);
        log_record_send(&rec, "calld: %s", c->shared.sandbox);
        return 0;
}

/* Return: the number of connections, -ECANCELED when the end was asked for meanwhile, other -errno */
static ssize_t start(Calld *c, const DaemonOptions *o) {
        ssize_t n;
        int r;

        r = take_sockets(c);
        if (r < 0)
                return r;
        r = sd_event_new(&c->loop);
        if (r < 0)
                return log_errno(r, "Cannot make an event loop");
        r = daemon_prepare_loop_with(c->loop, on_end, c);
        if (r < 0)
                return log_errno(r, "Cannot handle signals");
        r = make_workers(c, o);
        if (r < 0)
                return r;

        n = wait_for_keyd(c, o->keyd_socket);
        if (n < 0)
                return n;
        r = idle_new(c->loop, &c->shared, on_idle, c, &c->idle);
        if (r < 0)
                return log_errno(r, "Cannot watch for idleness");
        r = serve_confined(c, o->sandbox_off);
        return r < 0 ? r : n;
}

static int run(const DaemonOptions *o) {
        _cleanup_(calld_done) Calld c = {.fd = -1, .tcp_fd = -1};
        ssize_t n;
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(c.resolver_fds); i++)
                c.resolver_fds[i] = -1;
        shared_init(&c.shared);
        c.shared.sees_processes = access("/proc/1/cgroup", R_OK) == 0;
        n = start(&c, o);
        if (n == -ECANCELED)
                return c.resolver_ended ? -EPIPE : 0;
        if (n < 0)
                return (int) n;

        daemon_notify_ready("%zd connections", n);
        r = sd_event_loop(c.loop);
        if (r < 0)
                return log_errno(r, "The event loop failed");
        return c.resolver_ended ? -EPIPE : 0;
}

/* What can be tried without a socket: the libraries, and the provider. */
static int check(void) {
        sd_event *loop = NULL;
        Caller *caller = NULL;
        int r;

        r = sd_event_new(&loop);
        if (r >= 0)
                r = caller_new(loop, NULL, NULL, &caller);
        caller_free(caller);
        sd_event_unref(loop);
        if (r < 0)
                return log_errno(r, "calld cannot run here");
        printf("calld can run here; the configuration is keyd's to check.\n");
        return 0;
}

static void open_log(LogTarget target) {
        int fd;

        log_open("calld", target);
        if (!log_is_journal())
                return;
        fd = log_open_journal(STDERR_FILENO + 1);
        if (fd >= 0)
                log_set_journal(fd, LOG_JOURNAL_PATH);
}

/* What a call frees the next one needs: glibc is not to give it back to the kernel between them. */
static void keep_memory(void) {
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
        mallopt(M_TOP_PAD, KEPT_BYTES / 4);
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES / 4);
}

int main(int argc, char **argv) {
        DaemonOptions o;
        int r;

        keep_memory();

        r = daemon_options_parse("calld", PURPOSE, options, ARRAY_SIZE(options), argc, argv, &o);
        if (r != 0)
                return r == DAEMON_OPTIONS_E_DONE ? EXIT_SUCCESS : 2;
        if (!o.keyd_socket)
                o.keyd_socket = KEYD_SOCKET;

        open_log(o.log ? log_target_from_string(o.log) : LOG_TARGET_AUTO);
        if (!o.sandbox_off) {
                r = jail_prepare();
                if (r < 0) {
                        log_errno(r, "Cannot give up rights");
                        return EXIT_FAILURE;
                }
        }
        return (o.check ? check() : run(&o)) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
