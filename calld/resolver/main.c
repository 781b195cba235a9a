/* SPDX-License-Identifier: Apache-2.0 */

/*
 * calld-resolver: looks names up for calld, and opens calld's connections to keyd
 *
 *      should      answer on the channels it was started with, of which each worker of calld has one, and end when they do
 *      must not    see a call, a certificate or anything of keyd; run code of NSS itself, which is for the lookups that it forks
 */

#include <fcntl.h>

#include "calld/resolver/confine.h"
#include "calld/resolver/server.h"
#include "calld/resolver/start.h"
#include "common/daemon-options.h"
#include "common/jail.h"
#include "common/landlock.h"
#include "common/log.h"

#define EXIT_USAGE 2
#define PURPOSE "Looks names up for calld, which starts it."

static const DaemonOption options[] = {
        DAEMON_ROW_KEYD_SOCKET,
        DAEMON_ROW_LOG,
        DAEMON_ROW_SANDBOX,
};

static size_t count_channels(void) {
        size_t n = 0;

        while (n < SERVER_CLIENTS_MAX && fcntl(RESOLVER_FD_FIRST + (int) n, F_GETFD) >= 0)
                n++;
        return n;
}

static void open_log(LogTarget target) {
        int fd;

        log_open("calld-resolver", target);
        if (!log_is_journal())
                return;
        fd = log_open_journal(STDERR_FILENO + 1);
        if (fd >= 0)
                log_set_journal(fd, LOG_JOURNAL_PATH);
}

/* Should: all is prepared, nothing was read from a peer. */
static int confine(bool sandbox_off) {
        char landlock[LANDLOCK_TEXT_MAX];
        LogRecord rec;
        int r;

        r = confine_resolver(sandbox_off, landlock);
        if (r < 0)
                return r;
        log_record_init(&rec, sandbox_off ? PRIORITY_WARNING : PRIORITY_INFO, EVENT_SANDBOX);
        log_record_send(&rec, "Resolver: %s; %s", sandbox_off ? "no syscall filter" : "syscall filter", landlock);
        return 0;
}

int main(int argc, char *argv[]) {
        ServerOptions s = {.first_fd = RESOLVER_FD_FIRST, .n_fds = count_channels()};
        DaemonOptions o;
        int r;

        r = daemon_options_parse("calld-resolver", PURPOSE, options, ARRAY_SIZE(options), argc, argv, &o);
        if (r != 0)
                return r == DAEMON_OPTIONS_E_DONE ? EXIT_SUCCESS : EXIT_USAGE;
        if (!o.keyd_socket || s.n_fds == 0) {
                fprintf(stderr, "calld-resolver: calld starts it, with channels and --keyd-socket=\n");
                return EXIT_USAGE;
        }

        s.keyd_socket = o.keyd_socket;
        s.sandbox_off = o.sandbox_off;
        open_log(o.log ? log_target_from_string(o.log) : LOG_TARGET_AUTO);

        r = o.sandbox_off ? 0 : jail_prepare();
        if (r >= 0)
                r = confine(o.sandbox_off);
        if (r >= 0)
                r = server_run(&s);
        if (r < 0)
                log_errno(r, "The resolver cannot go on");
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
