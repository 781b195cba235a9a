/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/runner/run.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define OUTPUT_MAX (FETCH_CONTENT_MAX + 64U)
#define ERROR_MAX 16384U
#define EXIT_NOT_STARTED 127

#define HINT_ROOT "it must be a file that belongs to root and that nobody else can write, and so must its folder"

void provider_result_done(ProviderResult *r) {
        r->output = secret_free(r->output);
        r->error = secret_free(r->error);
}

/* Return: NULL, or what is wrong; static */
static const char *find_fault(const char *path, mode_t type) {
        struct stat st;

        if (stat(path, &st) < 0)
                return strerrordesc_np(errno);
        if ((st.st_mode & S_IFMT) != type)
                return type == S_IFDIR ? "its folder is none" : "it is no file";
        if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return "others than root can change it";

        return NULL;
}

int run_check_program(const char *path, FetchAnswer *ret_failure) {
        const char *fault = path[0] == '/' ? find_fault(path, S_IFREG) : "its path is not absolute", *slash = strrchr(path, '/');
        _cleanup_free_ char *folder = slash ? strndup(path, (size_t) (slash - path) + 1) : NULL;

        if (!fault)
                fault = folder ? find_fault(folder, S_IFDIR) : strerrordesc_np(ENOMEM);
        if (!fault)
                return 0;

        fetch_fail(ret_failure, FETCH_CONFIGURATION, HINT_ROOT, "Program= in [CyberArk], %.200s, cannot be run: %s", path, fault);
        return 1;
}

/* In the child, between fork and exec: nothing that allocates. */
static _noreturn_ void become(char *const *arguments, int output, int error, pid_t parent) {
        static char *const environment[] = {(char *) "PATH=/usr/sbin:/usr/bin:/sbin:/bin", (char *) "LANG=C", NULL};
        int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

        if (setpgid(0, 0) == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
            dup2(output, STDOUT_FILENO) >= 0 && dup2(error, STDERR_FILENO) >= 0 && close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
                execve(arguments[0], arguments, environment);

        _exit(EXIT_NOT_STARTED);
}

/* Return: 0, 1 at the end, RUN_E_LARGE + 1, -errno */
static int read_some(int fd, Secret *to) {
        size_t used = secret_size(to), room = secret_capacity(to) - used;
        ssize_t n;

        n = read(fd, secret_writable(to) + used, room > 0 ? room : 1);
        if (n < 0)
                return errno == EINTR || errno == EAGAIN ? 0 : -errno;
        if (n == 0)
                return 1;
        if (room == 0)
                return RUN_E_LARGE + 1;

        secret_set_size(to, used + (size_t) n);
        return 0;
}

/* Until both are closed. Return: 0, RUN_E_*, -errno */
static int read_all(int fds[static 2], ProviderResult *ret, uint64_t deadline_usec) {
        Secret *const targets[] = {ret->output, ret->error};
        struct pollfd p[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};

        while (p[0].fd >= 0 || p[1].fd >= 0) {
                int n = poll(p, ARRAY_SIZE(p), deadline_to_poll_ms(deadline_usec));

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        return RUN_E_LATE;
                for (size_t i = 0; n > 0 && i < ARRAY_SIZE(p); i++) {
                        int r = p[i].fd >= 0 && p[i].revents ? read_some(p[i].fd, targets[i]) : 0;

                        if (r < 0)
                                return r;
                        if (r > 1)
                                return RUN_E_LARGE;
                        if (r == 1)
                                p[i].fd = -1;
                }
        }
        return 0;
}

static int make_result(ProviderResult *ret) {
        int r;

        r = secret_new(OUTPUT_MAX, &ret->output);
        return r < 0 ? r : secret_new(ERROR_MAX, &ret->error);
}

/* Return: 0, RUN_E_LATE, -errno */
static int wait_for_end(pid_t pid, uint64_t deadline_usec) {
        /* glibc before 2.36 has no name for it. */
        _cleanup_fd_ int fd = (int) syscall(SYS_pidfd_open, pid, 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int n;

        if (fd < 0)
                return -errno;
        do
                n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));
        while (n < 0 && errno == EINTR);

        return n < 0 ? -errno : n == 0 ? RUN_E_LATE : 0;
}

/* One that has closed its output has said all: it ends, or is killed. */
static int finish(pid_t pid, int r, uint64_t deadline_usec, int *ret_status) {
        if (r == 0)
                r = wait_for_end(pid, deadline_usec);
        /* It has ended or is late; and with it what it has started and left behind. It is not reaped yet, so the group is its own. */
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        while (waitpid(pid, ret_status, 0) < 0)
                if (errno != EINTR)
                        return -errno;

        return r;
}

static int supervise(char *const *arguments, int output[static 2], int error[static 2], uint64_t deadline_usec, ProviderResult *ret) {
        pid_t parent = getpid(), pid = fork();
        int r;

        if (pid < 0)
                return -errno;
        if (pid == 0)
                become(arguments, output[1], error[1], parent);

        close_fdp(&output[1]);
        close_fdp(&error[1]);
        r = read_all((int[]) {output[0], error[0]}, ret, deadline_usec);
        return finish(pid, r, deadline_usec, &ret->status);
}

int run_program(char *const *arguments, uint64_t deadline_usec, ProviderResult *ret) {
        _cleanup_(provider_result_done) ProviderResult result = {};
        int output[2] = {-1, -1}, error[2] = {-1, -1}, r;

        r = make_result(&result);
        if (r >= 0 && (pipe2(output, O_CLOEXEC) < 0 || pipe2(error, O_CLOEXEC) < 0))
                r = -errno;
        if (r == 0)
                r = supervise(arguments, output, error, deadline_usec, &result);
        for (size_t i = 0; i < 2; i++) {
                close_fdp(&output[i]);
                close_fdp(&error[i]);
        }
        if (r != 0)
                return r;

        *ret = result;
        result = (ProviderResult) {};
        return 0;
}
