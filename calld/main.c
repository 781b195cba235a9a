/* SPDX-License-Identifier: Apache-2.0 */

/*
 * calld: takes plain HTTP on a Unix socket and calls out over mutual TLS; it never holds a private key
 *
 *      should      read its sockets from the service manager, then learn from keyd which connections there are
 *      must not    read configuration or keystores, listen anywhere else, start a process
 */

#include <sys/socket.h>

#include "calld/call/call.h"
#include "calld/gateway/gateway.h"
#include "common/daemon.h"
#include "common/daemon-options.h"
#include "common/jail.h"
#include "common/log.h"

/* For the first snapshot: longer than keyd takes to open its keystores, shorter than a caller's patience. */
#define FIRST_SNAPSHOT_USEC (3 * USEC_PER_SEC)

/* For calls under way at the end, while new ones wait in the backlog; TimeoutStopSec= is longer. */
#define DRAIN_USEC (20 * USEC_PER_SEC)

#define KEYD_SOCKET "/run/midtls/keyd.sock"
#define PURPOSE "Takes plain HTTP on a Unix socket and calls out over mutual TLS."

static const DaemonOption options[] = {
        DAEMON_ROW_KEYD_SOCKET,
        DAEMON_ROW_LOG,
        DAEMON_ROW_CHECK,
        DAEMON_ROW_SANDBOX,
};

typedef struct Calld {
        int fd, tcp_fd; /* -1: not passed, or the gateway's by now */
        sd_event *loop;
        Directory directory;
        Watch *watch;
        Caller *caller;
        Gateway *gateway;
} Calld;

static void calld_done(Calld *c) {
        gateway_free(c->gateway);
        caller_free(c->caller);
        watch_free(c->watch);
        directory_done(&c->directory);
        sd_event_unref(c->loop);
        close_fdp(&c->fd);
        close_fdp(&c->tcp_fd);
}

static int on_end(sd_event_source *source, const struct signalfd_siginfo *info, void *userdata) {
        Calld *c = userdata;

        (void) source;
        (void) info;
        daemon_notify_stopping();
        if (c->gateway)
                gateway_drain(c->gateway, DRAIN_USEC);
        else
                sd_event_exit(c->loop, 0);
        return 0;
}

static int take_sockets(Calld *c) {
        int r;

        r = daemon_take_socket("calld", SOCK_STREAM, &c->fd);
        if (r < 0)
                return log_errno(r, "No listening socket named calld was passed; midtls-calld.socket does that");

        r = daemon_take_tcp_socket("calld-tcp", &c->tcp_fd);
        return r < 0 && r != -ENOENT && r != -EINVAL ? log_errno(r, "The socket calld-tcp is not what it should be") : 0;
}

static int listen_all(Calld *c) {
        int r;

        r = gateway_listen(c->gateway, TAKE_FD(c->fd), /* has_peer= */ true);
        if (r >= 0 && c->tcp_fd >= 0)
                r = gateway_listen(c->gateway, TAKE_FD(c->tcp_fd), /* has_peer= */ false);
        return r < 0 ? log_errno(r, "Cannot listen") : 0;
}

/* Return: 0, -ECANCELED when the end was asked for meanwhile, other -errno */
static int start(Calld *c, const DaemonOptions *o) {
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
        r = watch_new(c->loop, o->keyd_socket, &c->directory, &c->watch);
        if (r < 0)
                return log_errno(r, "Cannot watch keyd");
        r = caller_new(c->loop, o->keyd_socket, c->watch, &c->caller);
        if (r < 0)
                return log_errno(r, "Cannot prepare calls");

        /* Without keyd the service starts all the same: it says why calls fail. */
        r = watch_wait_first(c->watch, deadline_after(FIRST_SNAPSHOT_USEC));
        if (sd_event_get_exit_code(c->loop, NULL) >= 0)
                return -ECANCELED;
        if (r == -ETIMEDOUT)
                log_message(PRIORITY_WARNING, "keyd does not answer at %s; calls fail until it does", o->keyd_socket);
        else if (r < 0)
                return log_errno(r, "Cannot wait for keyd");

        r = gateway_new(c->loop, &c->directory, c->watch, c->caller, &c->gateway);
        return r < 0 ? log_errno(r, "Cannot make the gateway") : listen_all(c);
}

static int run(const DaemonOptions *o) {
        _cleanup_(calld_done) Calld c = {.fd = -1, .tcp_fd = -1};
        int r;

        r = start(&c, o);
        if (r == -ECANCELED)
                return 0;
        if (r < 0)
                return r;

        daemon_notify_ready("%zu connections", c.directory.n_connections);
        r = sd_event_loop(c.loop);
        return r < 0 ? log_errno(r, "The event loop failed") : 0;
}

/* What can be tried without a socket: the libraries, and the provider. */
static int check(void) {
        sd_event *loop = NULL;
        Caller *caller = NULL;
        int r;

        r = sd_event_new(&loop);
        if (r >= 0)
                r = caller_new(loop, "/nonexistent", NULL, &caller);
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

int main(int argc, char **argv) {
        DaemonOptions o;
        int r;

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
