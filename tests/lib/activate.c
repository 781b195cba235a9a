/* SPDX-License-Identifier: Apache-2.0 */

/*
 * activate: socket activation of one daemon as systemd does it, for tests and for trying things out
 *
 *      activate --name=keyd --type=seqpacket --path=P [--name=...]... --log=FILE
 *               [--pid-file=FILE] [--exits=FILE] [--stop-timeout=SECONDS] -- DAEMON ARG...
 *
 * Binds, prints "ready" on standard output and closes it, waits for a connection, starts the daemon with LISTEN_FDS, and
 * starts it again on the next connection after it has ended. SIGTERM ends the daemon, with SIGKILL when it takes too long, and removes
 * the sockets.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/activate-listen.h"

#define STARTS_MAX 20U /* StartLimitBurst= */
#define STARTS_INTERVAL_SEC 10
#define STOP_TIMEOUT_SEC_DEFAULT 30 /* calls under way, then a sanitizer that looks for leaks */

typedef struct Activator {
        ListenSocket sockets[LISTEN_MAX];
        size_t n_sockets;
        const char *log, *pid_file, *exits;
        char **command;
        int signals;  /* signalfd */
        pid_t daemon; /* 0: does not run */
        time_t stop_timeout_sec;
        time_t starts[STARTS_MAX];
        size_t n_starts;
        bool stopping;
} Activator;

static time_t now_sec(void) {
        struct timespec t;

        (void) clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec;
}

static void write_line(const char *path, int flags, const char *word, long value) {
        char line[64];
        int fd, n;

        if (!path)
                return;

        n = snprintf(line, sizeof(line), "%s%ld\n", word, value);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
        if (fd < 0 || n < 0 || write(fd, line, (size_t) n) != n)
                fprintf(stderr, "activate: cannot write %s: %m\n", path);
        if (fd >= 0)
                close(fd);
}

/* In the child: descriptors 3, 4, ... are the sockets, as sd_listen_fds(3) says. */
static void place_sockets(const Activator *a) {
        int copies[LISTEN_MAX];

        /* First out of the way, so that none is overwritten before it is moved. */
        for (size_t i = 0; i < a->n_sockets; i++) {
                copies[i] = fcntl(a->sockets[i].fd, F_DUPFD_CLOEXEC, 64);
                if (copies[i] < 0)
                        _exit(125);
        }
        for (size_t i = 0; i < a->n_sockets; i++)
                if (dup2(copies[i], 3 + (int) i) < 0)
                        _exit(125);
}

static void set_environment(const Activator *a) {
        char names[256], number[32];

        if (!listen_socket_names(a->sockets, a->n_sockets, names, sizeof(names)))
                _exit(125);

        (void) unsetenv("NOTIFY_SOCKET");
        (void) setenv("LISTEN_FDNAMES", names, 1);
        snprintf(number, sizeof(number), "%zu", a->n_sockets);
        (void) setenv("LISTEN_FDS", number, 1);
        snprintf(number, sizeof(number), "%ld", (long) getpid());
        (void) setenv("LISTEN_PID", number, 1);
}

static void run_daemon(const Activator *a) {
        sigset_t none;
        int null, log;

        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);

        null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        log = open(a->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (null < 0 || log < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 || dup2(log, 2) < 0)
                _exit(125);

        set_environment(a);
        place_sockets(a);
        execv(a->command[0], a->command);
        fprintf(stderr, "activate: cannot run %s: %m\n", a->command[0]);
        _exit(126);
}

/* Return: 0, or the seconds to wait until another start is within the limit */
static time_t start_wait(const Activator *a) {
        time_t oldest;

        if (a->n_starts < STARTS_MAX)
                return 0;

        oldest = a->starts[a->n_starts % STARTS_MAX];
        return oldest + STARTS_INTERVAL_SEC > now_sec() ? oldest + STARTS_INTERVAL_SEC - now_sec() : 0;
}

static int start_daemon(Activator *a) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0)
                run_daemon(a);

        a->daemon = pid;
        a->starts[a->n_starts++ % STARTS_MAX] = now_sec();
        write_line(a->pid_file, O_TRUNC, "", (long) pid);
        return 0;
}

static void note_end(Activator *a, int status) {
        if (WIFSIGNALED(status))
                write_line(a->exits, O_APPEND, "killed ", WTERMSIG(status));
        else
                write_line(a->exits, O_APPEND, "exited ", WEXITSTATUS(status));

        a->daemon = 0;
        if (a->pid_file)
                (void) unlink(a->pid_file);
}

static void reap_daemon(Activator *a) {
        int status;

        if (a->daemon > 0 && waitpid(a->daemon, &status, WNOHANG) == a->daemon)
                note_end(a, status);
}

static void take_signals(Activator *a) {
        struct signalfd_siginfo info;

        while (read(a->signals, &info, sizeof(info)) == (ssize_t) sizeof(info))
                if (info.ssi_signo != SIGCHLD)
                        a->stopping = true;

        reap_daemon(a);
}

/* Waits for a signal, and for a connection while the daemon is not there to take it. */
static int wait_and_act(Activator *a) {
        struct pollfd fds[1 + LISTEN_MAX] = {{.fd = a->signals, .events = POLLIN}};
        time_t wait = a->daemon > 0 ? 0 : start_wait(a);
        nfds_t n = 1;
        int r;

        if (a->daemon == 0 && wait == 0)
                for (size_t i = 0; i < a->n_sockets; i++)
                        fds[n++] = (struct pollfd) {.fd = a->sockets[i].fd, .events = POLLIN};

        r = poll(fds, n, wait > 0 ? (int) wait * 1000 : -1);
        if (r < 0)
                return errno == EINTR ? 0 : -errno;

        take_signals(a);
        if (a->stopping || a->daemon > 0)
                return 0;

        for (nfds_t i = 1; i < n; i++)
                if (fds[i].revents & POLLIN)
                        return start_daemon(a);

        return 0;
}

static void stop_daemon(Activator *a) {
        time_t deadline = now_sec() + a->stop_timeout_sec;
        struct pollfd fd = {.fd = a->signals, .events = POLLIN};

        if (a->daemon > 0) {
                /* a test may have stopped it; behind SIGTERM it could take from LeakSanitizer the SIGSTOP that its ptrace() waits for */
                (void) kill(a->daemon, SIGCONT);
                (void) kill(a->daemon, SIGTERM);
        }

        while (a->daemon > 0 && now_sec() <= deadline) {
                (void) poll(&fd, 1, 200);
                take_signals(a);
        }

        if (a->daemon > 0) {
                int status;

                (void) kill(a->daemon, SIGKILL);
                if (waitpid(a->daemon, &status, 0) == a->daemon)
                        note_end(a, status);
        }
}

static int block_signals(Activator *a) {
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;

        a->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        return a->signals < 0 ? -errno : 0;
}

static int serve(Activator *a) {
        int r = block_signals(a);

        for (size_t i = 0; r >= 0 && i < a->n_sockets; i++) {
                r = listen_socket_open(&a->sockets[i]);
                if (r < 0)
                        fprintf(stderr, "activate: cannot listen at %s: %s\n", a->sockets[i].path, strerror(-r));
        }

        if (r >= 0) {
                printf("ready\n");
                (void) fclose(stdout);
        }
        while (r >= 0 && !a->stopping)
                r = wait_and_act(a);

        stop_daemon(a);
        for (size_t i = 0; i < a->n_sockets; i++)
                if (a->sockets[i].fd >= 0)
                        (void) unlink(a->sockets[i].path);

        return r;
}

static bool add_socket(Activator *a, const char *name) {
        if (a->n_sockets == LISTEN_MAX)
                return false;

        a->sockets[a->n_sockets++] = (ListenSocket) {.name = name, .type = SOCK_STREAM, .fd = -1};
        return true;
}

static bool parse_seconds(const char *text, time_t *ret) {
        char *end;
        long n = strtol(text, &end, 10);

        if (end == text || *end || n < 1 || n > 600)
                return false;

        *ret = n;
        return true;
}

static bool parse_options(Activator *a, int argc, char **argv) {
        static const struct option options[] = {
                {"name", required_argument, NULL, 'n'},         {"type", required_argument, NULL, 't'},
                {"path", required_argument, NULL, 'p'},         {"log", required_argument, NULL, 'l'},
                {"pid-file", required_argument, NULL, 'i'},     {"exits", required_argument, NULL, 'e'},
                {"stop-timeout", required_argument, NULL, 's'}, {},
        };
        int c;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) >= 0) {
                ListenSocket *last = a->n_sockets > 0 ? &a->sockets[a->n_sockets - 1] : NULL;

                if (c == 'n' && add_socket(a, optarg))
                        continue;
                else if (c == 't' && last)
                        last->type = strcmp(optarg, "seqpacket") == 0 ? SOCK_SEQPACKET : SOCK_STREAM;
                else if (c == 'p' && last)
                        last->path = optarg;
                else if (c == 'l')
                        a->log = optarg;
                else if (c == 'i')
                        a->pid_file = optarg;
                else if (c == 'e')
                        a->exits = optarg;
                else if (c == 's' && parse_seconds(optarg, &a->stop_timeout_sec))
                        continue;
                else
                        return false;
        }

        a->command = argv + optind;
        return a->n_sockets > 0 && a->log && optind < argc;
}

int main(int argc, char **argv) {
        Activator a = {.signals = -1, .stop_timeout_sec = STOP_TIMEOUT_SEC_DEFAULT};
        bool complete = parse_options(&a, argc, argv);

        for (size_t i = 0; i < a.n_sockets; i++)
                complete = complete && a.sockets[i].path;
        if (!complete) {
                fprintf(stderr, "usage: activate --name=NAME --type=stream|seqpacket --path=PATH "
                                "[--name=...] --log=FILE "
                                "[--pid-file=FILE] [--exits=FILE] [--stop-timeout=SECONDS] -- DAEMON [ARG...]\n");
                return 2;
        }

        /* Whoever started this is to take it along. */
        (void) prctl(PR_SET_PDEATHSIG, SIGTERM);
        return serve(&a) < 0 ? 1 : 0;
}
