/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/keyd.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "calld/cli/output.h"

#define INSTALLED MIDTLS_LIBEXECDIR "/keyd"
/* A keystore is judged within a second; a busy machine needs longer. */
#define RUN_TIMEOUT_USEC (60 * USEC_PER_SEC)

/* BUILD/keyd/keyd when we are BUILD/calld/midtls. Return: NULL when we are not */
static char *find_in_build_tree(void) {
        char self[PATH_MAX], *slash, *ret;
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

        if (n <= 0)
                return NULL;
        self[n] = 0;

        slash = strrchr(self, '/');
        if (!slash)
                return NULL;
        *slash = 0;
        slash = strrchr(self, '/');
        if (!slash || strcmp(slash, "/calld") != 0)
                return NULL;
        *slash = 0;

        if (asprintf(&ret, "%s/keyd/keyd", self) < 0)
                return NULL;
        if (access(ret, X_OK) == 0)
                return ret;
        free(ret);
        return NULL;
}

char *keyd_find(void) {
        char *path = find_in_build_tree();

        if (!path && access(INSTALLED, X_OK) == 0)
                path = strdup(INSTALLED);
        if (!path)
                output_error("is the package complete?", "cannot run %s: %s", INSTALLED, strerror(errno));
        return path;
}

int keyd_exec(const char **argv) {
        _cleanup_free_ char *path = keyd_find();

        if (!path)
                return EXIT_FAILED;

        argv[0] = path;
        fflush(stdout);
        execv(path, (char *const *) argv);
        return output_error(NULL, "cannot run %s: %s", path, strerror(errno));
}

/* Reads until the end. Return: 0, -ETIMEDOUT, -EMSGSIZE, other -errno */
static int collect(int fd, Buf *output) {
        uint64_t deadline = deadline_after(RUN_TIMEOUT_USEC);

        for (;;) {
                struct pollfd p = {.fd = fd, .events = POLLIN};
                uint8_t data[16384];
                ssize_t n;
                int r;

                r = poll(&p, 1, deadline_to_poll_ms(deadline));
                if (r == 0)
                        return -ETIMEDOUT;
                n = r < 0 ? -1 : read(fd, data, sizeof(data));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;

                r = buf_append(output, data, (size_t) n);
                if (r < 0)
                        return r;
        }
}

/* Return: 0 or -errno */
static int spawn(const char *path, const char **argv, int input, int output, pid_t *ret) {
        posix_spawn_file_actions_t actions;
        int r;

        r = -posix_spawn_file_actions_init(&actions);
        if (r < 0)
                return r;

        if (input >= 0)
                r = -posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
        if (r == 0)
                r = -posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
        if (r == 0)
                r = -posix_spawn(ret, path, &actions, NULL, (char *const *) argv, environ);

        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Return: the child's exit status, -ECANCELED when a signal ended it, other -errno */
static int wait_child(pid_t pid) {
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;

        return WIFEXITED(status) ? WEXITSTATUS(status) : -ECANCELED;
}

int keyd_run(const char **argv, int input, Buf *output, int *ret_status) {
        _cleanup_free_ char *path = keyd_find();
        _cleanup_fd_ int readable = -1, writable = -1;
        int ends[2], r, k;
        pid_t pid;

        if (!path)
                return EXIT_FAILED;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return output_error(NULL, "cannot make a pipe: %s", strerror(errno));
        readable = ends[0];
        writable = ends[1];

        argv[0] = path;
        r = spawn(path, argv, input, writable, &pid);
        if (r < 0)
                return output_error(NULL, "cannot run %s: %s", path, strerror(-r));
        close_fdp(&writable);

        r = collect(readable, output);
        if (r < 0)
                kill(pid, SIGKILL);
        k = wait_child(pid);
        if (r < 0 || k < 0)
                return output_error(NULL, "%s did not end well: %s", path, r < 0 ? strerror(-r) : "a signal ended it");

        *ret_status = k;
        return 0;
}
