/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/start.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "calld/resolver/server.h"

#define EXIT_NOT_STARTED 127

/* Descriptors wait here until they are moved to their numbers. */
#define FD_APART (RESOLVER_FD_FIRST + (int) SERVER_CLIENTS_MAX)

/* What the C library's resolver would read of the environment is not among them, nor LISTEN_FDS. */
static const char *const passed_variables[] = {"JOURNAL_STREAM", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};

typedef struct Texts {
        char *items[8];
        size_t n_items;
} Texts;

static void texts_done(Texts *t) {
        for (size_t i = 0; i < t->n_items; i++)
                free(t->items[i]);
}

static int _printf_(2, 3) add(Texts *t, const char *format, ...) {
        va_list ap;
        int n;

        ASSERT(t->n_items + 1 < ARRAY_SIZE(t->items));
        va_start(ap, format);
        n = vasprintf(&t->items[t->n_items], format, ap);
        va_end(ap);
        if (n < 0) {
                t->items[t->n_items] = NULL;
                return -ENOMEM;
        }
        t->n_items++;
        return 0;
}

static int make_arguments(const ResolverStart *s, Texts *ret) {
        char path[PATH_MAX];
        ssize_t n;
        int r;

        n = readlink("/proc/self/exe", path, sizeof(path) - 1);
        if (n < 0)
                return -errno;
        path[n] = '\0';
        *strrchr(path, '/') = '\0';

        r = add(ret, "%s/calld-resolver", path);
        if (r >= 0)
                r = add(ret, "--keyd-socket=%s", s->keyd_socket);
        if (r >= 0 && s->log)
                r = add(ret, "--log=%s", s->log);
        if (r >= 0 && s->sandbox_off)
                r = add(ret, "--sandbox=off");
        return r;
}

static int make_environment(Texts *ret) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(passed_variables) && r >= 0; i++) {
                const char *value = getenv(passed_variables[i]);

                if (value)
                        r = add(ret, "%s=%s", passed_variables[i], value);
        }
        return r;
}

static bool place_descriptors(const int *fds, size_t n_fds, int null) {
        if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return false;
        for (size_t i = 0; i < n_fds; i++)
                if (dup2(fds[i], RESOLVER_FD_FIRST + (int) i) < 0)
                        return false;
        return close_range(RESOLVER_FD_FIRST + (unsigned) n_fds, ~0U, 0) == 0;
}

static bool reset_signals(void) {
        sigset_t none;

        sigemptyset(&none);
        return signal(SIGPIPE, SIG_DFL) != SIG_ERR && sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* In the child, between fork and exec: nothing that allocates. */
static _noreturn_ void become_resolver(const int *fds, size_t n_fds, int null, pid_t parent, char *const arguments[], char *const environment[]) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && reset_signals() && place_descriptors(fds, n_fds, null))
                execve(arguments[0], arguments, environment);
        _exit(EXIT_NOT_STARTED);
}

static int start(const ResolverStart *s, const int *fds) {
        _cleanup_(texts_done) Texts arguments = {}, environment = {};
        _cleanup_fd_ int null = -1;
        pid_t parent = getpid(), pid;
        int r;

        r = make_arguments(s, &arguments);
        if (r >= 0)
                r = make_environment(&environment);
        if (r < 0)
                return r;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                become_resolver(fds, s->n_channels, null, parent, arguments.items, environment.items);
        return 0;
}

/* A SOCK_SEQPACKET pair, both ends at FD_APART or above. */
static int make_channel(int *ret_ours, int *ret_theirs) {
        _cleanup_fd_ int a = -1, b = -1;
        int low[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, low) < 0)
                return -errno;
        a = low[0];
        b = low[1];
        *ret_ours = fcntl(a, F_DUPFD_CLOEXEC, FD_APART);
        *ret_theirs = fcntl(b, F_DUPFD_CLOEXEC, FD_APART);
        return *ret_ours < 0 || *ret_theirs < 0 ? -errno : 0;
}

int resolver_start(const ResolverStart *s, int *ret_fds) {
        int theirs[SERVER_CLIENTS_MAX], r = 0;

        ASSERT(s->n_channels > 0 && s->n_channels <= SERVER_CLIENTS_MAX);
        for (size_t i = 0; i < s->n_channels; i++)
                ret_fds[i] = theirs[i] = -1;
        for (size_t i = 0; i < s->n_channels && r >= 0; i++)
                r = make_channel(&ret_fds[i], &theirs[i]);
        if (r >= 0)
                r = start(s, theirs);

        for (size_t i = 0; i < s->n_channels; i++) {
                close_fdp(&theirs[i]);
                if (r < 0)
                        close_fdp(&ret_fds[i]);
        }
        return r;
}
