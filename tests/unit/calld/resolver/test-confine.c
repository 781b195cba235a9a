/* SPDX-License-Identifier: Apache-2.0 */

/* What the resolver and its lookups may do, each tried in a child, confined and not, so that a test goes red when a layer is off. */

#include "calld/resolver/confine.h"

#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "common/landlock.h"
#include "tests/unit/lib/unit.h"

#define PAGE 4096U

static char file[] = "/tmp/midtls-confine-XXXXXX";

static long try_read(void) {
        return open("/etc/hosts", O_RDONLY | O_CLOEXEC);
}

static long try_write(void) {
        return open(file, O_WRONLY | O_CLOEXEC);
}

static long try_make(void) {
        return open(file, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long try_fork(void) {
        pid_t pid = fork();

        if (pid == 0)
                _exit(0);
        return pid;
}

static long try_execute(void) {
        char *const arguments[] = {(char[]) {"true"}, NULL};

        return execve("/bin/true", arguments, arguments + 1);
}

static long try_kill(void) {
        return kill(getppid(), 0);
}

static long try_listen(void) {
        return listen(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 1);
}

static long try_netlink(void) {
        return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
}

static long try_udp(void) {
        return socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static long try_code(void) {
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return p == MAP_FAILED ? -1 : 0;
}

static long try_make_code(void) {
        void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        return mprotect(p, PAGE, PROT_READ | PROT_EXEC);
}

static long try_lookup(void) {
        struct addrinfo *list;

        return getaddrinfo("localhost", NULL, NULL, &list) == 0 ? 0 : -1;
}

typedef enum Outcome {
        ALLOWED,
        REFUSED,
        KILLED,
} Outcome;

typedef struct Row {
        const char *name;
        long (*try)(void);
        Outcome of_resolver, of_lookup;
} Row;

static const Row rows[] = {
        {"a lookup", try_lookup, ALLOWED, ALLOWED},
        {"a file read", try_read, ALLOWED, ALLOWED},
        {"a file written", try_write, KILLED, KILLED},
        {"a file made", try_make, KILLED, KILLED},
        {"fork", try_fork, ALLOWED, KILLED},
        {"execve", try_execute, KILLED, KILLED},
        {"kill", try_kill, KILLED, KILLED},
        {"listen", try_listen, KILLED, KILLED},
        {"a netlink socket", try_netlink, REFUSED, REFUSED},
        {"a UDP socket", try_udp, ALLOWED, ALLOWED},
        {"memory for code", try_code, KILLED, KILLED},
        {"memory made code", try_make_code, KILLED, KILLED},
};

typedef enum Level {
        FREE,
        RESOLVER,
        LOOKUP, /* on top of the resolver's, as it inherits that */
} Level;

static bool confine(Level level) {
        char text[LANDLOCK_TEXT_MAX];

        if (level == FREE)
                return true;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || confine_resolver(/* sandbox_off= */ false, text) < 0)
                return false;
        return level == RESOLVER || confine_lookup(/* sandbox_off= */ false) == 0;
}

static Outcome attempt(const Row *row, Level level) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                static const struct rlimit none = {};

                setrlimit(RLIMIT_CORE, &none);
                if (!confine(level))
                        _exit(2);
                _exit(row->try() < 0 ? 1 : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
                return KILLED;
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) != 2);
        return WEXITSTATUS(status) == 0 ? ALLOWED : REFUSED;
}

static void check(const Row *row, Level level, Outcome want) {
        Outcome got = attempt(row, level);

        if (got != want)
                fail_msg("%s at level %d: %d, not %d", row->name, level, got, want);
}

static void test_rows(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                check(&rows[i], FREE, ALLOWED);
                check(&rows[i], RESOLVER, rows[i].of_resolver);
                check(&rows[i], LOOKUP, rows[i].of_lookup);
        }
}

static int set_up(void **state) {
        int fd = mkstemp(file);

        return fd < 0 ? -1 : close(fd);
}

static int tear_down(void **state) {
        return unlink(file);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
