/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/supervisor/spawn.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "common/log.h"

#define ARGUMENTS_MAX 8U

/* Everything else of the environment, NOTIFY_SOCKET and LISTEN_FDS above all, stays here. */
static const char *const passed_variables[] = {"JOURNAL_STREAM", "ASAN_OPTIONS", "LSAN_OPTIONS", "UBSAN_OPTIONS"};

typedef struct Texts {
        char *items[ARGUMENTS_MAX + 1];
        size_t n_items;
} Texts;

static void texts_done(Texts *t) {
        for (size_t i = 0; i < t->n_items; i++)
                free(t->items[i]);
}

static int _printf_(2, 3) add(Texts *t, const char *format, ...) {
        va_list ap;
        int n;

        ASSERT(t->n_items < ARGUMENTS_MAX);
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

void spawn_set_fds(SpawnRequest *q, int control, int verdicts, int keys) {
        for (size_t i = 0; i < SPAWN_FDS_MAX; i++)
                q->fds[i] = -1;
        q->fds[ROLE_FD_CONTROL - ROLE_FD_CONTROL] = control;
        q->fds[ROLE_FD_VERDICTS - ROLE_FD_CONTROL] = verdicts;
        q->fds[ROLE_FD_KEYS - ROLE_FD_CONTROL] = keys;
        q->fds[ROLE_FD_JOURNAL - ROLE_FD_CONTROL] = log_journal();
}

static int make_arguments(const SpawnRequest *q, Texts *ret) {
        int r;

        r = add(ret, "%s/%s", q->folder, q->name);
        if (r >= 0 && q->config_dir)
                r = add(ret, "--config-dir=%s", q->config_dir);
        if (r >= 0 && q->log)
                r = add(ret, "--log=%s", q->log);
        if (r >= 0 && q->sandbox_off)
                r = add(ret, "--sandbox=off");

        return r;
}

static int pass_variable(const char *name, Texts *ret) {
        const char *value = getenv(name);

        return value ? add(ret, "%s=%s", name, value) : 0;
}

static int make_environment(const SpawnRequest *q, Texts *ret) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(passed_variables) && r >= 0; i++)
                r = pass_variable(passed_variables[i], ret);
        if (r >= 0 && q->credentials)
                r = pass_variable("CREDENTIALS_DIRECTORY", ret);
        if (r >= 0 && q->credentials)
                r = pass_variable("STATE_DIRECTORY", ret);

        return r;
}

static bool reset_signals(void) {
        static const int ignored[] = {SIGPIPE, SIGHUP};
        sigset_t none;

        for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
                if (signal(ignored[i], SIG_DFL) == SIG_ERR)
                        return false;

        sigemptyset(&none);
        return sigprocmask(SIG_SETMASK, &none, NULL) == 0;
}

/* Standard input and output lead nowhere; standard error stays; all else that is not asked for is closed. */
static bool place_descriptors(const SpawnRequest *q, int null) {
        if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0)
                return false;

        for (size_t i = 0; i < SPAWN_FDS_MAX; i++) {
                int target = ROLE_FD_CONTROL + (int) i;

                if (q->fds[i] >= 0 ? dup2(q->fds[i], target) < 0 : close(target) < 0 && errno != EBADF)
                        return false;
        }

        return close_range(ROLE_FD_CONTROL + SPAWN_FDS_MAX, ~0U, 0) == 0;
}

/* In the child, between fork and exec: nothing that allocates. */
static _noreturn_ void become_role(const SpawnRequest *q, int null, pid_t parent, char *const arguments[], char *const environment[]) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && reset_signals() && place_descriptors(q, null))
                execve(arguments[0], arguments, environment);

        _exit(SPAWN_EXIT_FAILED);
}

int spawn_role(const SpawnRequest *q, pid_t *ret) {
        _cleanup_(texts_done) Texts arguments = {}, environment = {};
        _cleanup_fd_ int null = -1;
        pid_t parent = getpid(), pid;
        int r;

        r = make_arguments(q, &arguments);
        if (r < 0)
                return r;
        r = make_environment(q, &environment);
        if (r < 0)
                return r;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0)
                return -errno;

        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                become_role(q, null, parent, arguments.items, environment.items);

        *ret = pid;
        return 0;
}

int spawn_open_pidfd(pid_t pid, int *ret) {
        /* glibc before 2.36 has no name for it. */
        long fd = syscall(SYS_pidfd_open, pid, 0);

        if (fd < 0)
                return -errno;

        *ret = (int) fd;
        return 0;
}

int spawn_pair(int ret[2]) {
        int low[2], high[2] = {-1, -1};
        int r = 0;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, low) < 0)
                return -errno;

        for (size_t i = 0; i < 2; i++) {
                high[i] = fcntl(low[i], F_DUPFD_CLOEXEC, SPAWN_FD_MIN);
                if (high[i] < 0)
                        r = -errno;
                close(low[i]);
        }
        if (r < 0) {
                close_fdp(&high[0]);
                close_fdp(&high[1]);
                return r;
        }

        ret[0] = high[0];
        ret[1] = high[1];
        return 0;
}
