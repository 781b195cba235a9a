/* SPDX-License-Identifier: Apache-2.0 */

/* What calld's filter kills or refuses, each tried in a child, with the filter and without it, so that a test goes red when the layer is off. */

#include "calld/gateway/confine.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/lib/unit.h"

#define PAGE 4096U

static long try_open(void) {
        return open("/etc/hosts", O_RDONLY | O_CLOEXEC);
}

static long try_stat(void) {
        return access("/etc", F_OK);
}

static long try_fork(void) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid;
}

/* As pthread_create() does; a new stack is not needed by a thread that never runs. */
static long try_thread(void) {
        return syscall(SYS_clone, CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, 0, 0, 0, 0) < 0 ? -1 : 0;
}

static long try_execute(void) {
        char *const arguments[] = {(char[]) {"true"}, NULL};

        return execve("/bin/true", arguments, arguments + 1);
}

static long try_unix(void) {
        return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_unix_datagram_pair(void) {
        int fds[2];

        return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, fds);
}

static long try_unix_stream_pair(void) {
        int fds[2];

        return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
}

static long try_inet(void) {
        return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static long try_netlink(void) {
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long try_listen(void) {
        return listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1);
}

static long try_executable_memory(void) {
        return mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long try_memory(void) {
        return mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
}

static long try_make_executable(void) {
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return mprotect(p, PAGE, PROT_READ | PROT_EXEC);
}

static long try_kill(void) {
        return kill(getppid(), 0);
}

static long try_tgkill(void) {
        return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long try_prctl(void) {
        return prctl(PR_GET_DUMPABLE);
}

static long try_lock(void) {
        int fds[2];

        return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0 ? -1 : fcntl(fds[0], F_SETOWN, getppid());
}

static long try_memfd(void) {
        return memfd_create("x", MFD_CLOEXEC);
}

typedef enum Outcome {
        ALLOWED,
        REFUSED,
        KILLED,
} Outcome;

typedef struct Row {
        const char *name;
        long (*try)(void);
        Outcome outcome;
} Row;

static const Row rows[] = {
        {"open", try_open, REFUSED},
        {"stat", try_stat, REFUSED},
        {"fork", try_fork, KILLED},
        {"a thread", try_thread, KILLED},
        {"execve", try_execute, KILLED},
        {"a Unix socket", try_unix, KILLED},
        {"a pair of Unix datagram sockets", try_unix_datagram_pair, KILLED},
        {"a pair of Unix stream sockets", try_unix_stream_pair, ALLOWED},
        {"a TCP socket", try_inet, ALLOWED},
        {"a netlink socket", try_netlink, KILLED},
        {"listen", try_listen, KILLED},
        {"executable memory", try_executable_memory, KILLED},
        {"memory", try_memory, ALLOWED},
        {"memory made executable", try_make_executable, KILLED},
        {"kill", try_kill, KILLED},
        {"a signal to a thread of another process", try_tgkill, KILLED},
        {"prctl", try_prctl, KILLED},
        {"a signal by a descriptor's owner", try_lock, KILLED},
        {"memfd_create", try_memfd, KILLED},
};

static Outcome attempt(const Row *row, bool confined) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                static const struct rlimit none = {};

                setrlimit(RLIMIT_CORE, &none);
                if (confined && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_calld() < 0))
                        _exit(2);
                _exit(row->try() < 0 ? 1 : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
                return KILLED;
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 2);
        return WEXITSTATUS(status) == 0 ? ALLOWED : REFUSED;
}

static void test_rows(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                Outcome got = attempt(&rows[i], /* confined= */ true);

                if (got != rows[i].outcome)
                        fail_msg("%s: %d, not %d", rows[i].name, got, rows[i].outcome);
                if (rows[i].try != try_thread && attempt(&rows[i], /* confined= */ false) != ALLOWED)
                        fail_msg("%s: does not even work without the filter", rows[i].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
