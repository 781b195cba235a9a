/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "common/jail.h"
#include "tests/unit/lib/unit.h"

static const JailRule rules[] = {
        {"exit_group"},
        {"sigaltstack"}, /* AddressSanitizer, on the way out */
        {"getpid"},
        {"read"},
        {"write"},
        {.name = "getppid", .action = JAIL_ERRNO, .error = EXDEV},
        {.name = "socket", .has_argument = true, .argument = 0, .mask = UINT64_MAX, .value = AF_UNIX},
        /* a mask: any protection without PROT_EXEC */
        {.name = "mprotect", .has_argument = true, .argument = 2, .mask = PROT_EXEC, .value = 0},
        /* one call, two answers */
        {.name = "lseek", .has_argument = true, .argument = 2, .mask = SEEK_CUR, .value = 0},
        {.name = "lseek", .has_argument = true, .argument = 2, .mask = SEEK_CUR, .value = SEEK_CUR, .action = JAIL_ERRNO, .error = EXDEV},
        {"no_such_syscall_of_any_kernel"},
};

/* The wait status of a child that calls @number under the filter and gives 0 back if all is as @error says. */
static int run(long number, long a, long b, long c, int error) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                static const struct rlimit none = {};
                long r;

                setrlimit(RLIMIT_CORE, &none);
                if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || jail_seccomp(rules, ARRAY_SIZE(rules)) != 0)
                        _exit(2);
                errno = 0;
                r = syscall(number, a, b, c);
                _exit((error == 0 && r >= 0) || (error != 0 && r == -1 && errno == error) ? 0 : 1);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

static void check_allowed(int status) {
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_killed(int status) {
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_listed_is_allowed(void **state) {
        check_allowed(run(SYS_getpid, 0, 0, 0, 0));
}

static void test_others_kill(void **state) {
        check_killed(run(SYS_getuid, 0, 0, 0, 0));
        check_killed(run(SYS_openat, AT_FDCWD, (long) "/dev/null", O_RDONLY, 0));
        check_killed(run(SYS_execve, 0, 0, 0, 0));
        check_killed(run(SYS_ptrace, 0, 0, 0, 0));
}

static void test_errno(void **state) {
        check_allowed(run(SYS_getppid, 0, 0, 0, EXDEV));
        check_allowed(run(SYS_lseek, -1, 0, SEEK_SET, EBADF));
        check_allowed(run(SYS_lseek, -1, 0, SEEK_CUR, EXDEV));
}

static void test_argument(void **state) {
        check_allowed(run(SYS_socket, AF_UNIX, SOCK_STREAM, 0, 0));
        check_killed(run(SYS_socket, AF_INET, SOCK_STREAM, 0, 0));
        check_killed(run(SYS_socket, AF_UNIX | (1L << 32), SOCK_STREAM, 0, 0));
}

static void test_mask(void **state) {
        void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_ptr_not_equal(page, MAP_FAILED);
        check_allowed(run(SYS_mprotect, (long) page, 4096, PROT_READ | PROT_WRITE, 0));
        check_killed(run(SYS_mprotect, (long) page, 4096, PROT_READ | PROT_EXEC, 0));
        munmap(page, 4096);
}

typedef struct Thread {
        int start[2], end[2]; /* pipes */
        long number;
} Thread;

static void *call_when_told(void *userdata) {
        Thread *t = userdata;
        char byte = 0;

        /* What starting a thread takes is behind us. */
        if (write(t->end[1], &byte, 1) != 1 || read(t->start[0], &byte, 1) != 1)
                _exit(5);
        syscall(t->number);
        if (write(t->end[1], &byte, 1) != 1)
                _exit(6);
        /* Until the process ends: to end a thread takes more calls than the filter has. */
        return read(t->start[0], &byte, 1) < 0 ? userdata : NULL;
}

/* The wait status of a child whose thread, started before the filter, calls @number. */
static int run_in_thread(long number) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                Thread t = {.number = number};
                pthread_t thread;
                char byte = 0;

                if (pipe(t.start) < 0 || pipe(t.end) < 0 || pthread_create(&thread, NULL, call_when_told, &t) != 0)
                        _exit(2);
                if (read(t.end[0], &byte, 1) != 1)
                        _exit(7);
                if (jail_prepare() != 0 || jail_seccomp(rules, ARRAY_SIZE(rules)) != 0)
                        _exit(3);
                if (write(t.start[1], &byte, 1) != 1 || read(t.end[0], &byte, 1) != 1)
                        _exit(4);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        return status;
}

/* Threads that run already are under the filter, too. */
static void test_threads(void **state) {
        check_allowed(run_in_thread(SYS_getpid));
        check_killed(run_in_thread(SYS_getuid));
}

static void test_prepare(void **state) {
        int status = 0;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit core = {.rlim_cur = 1, .rlim_max = 1};

                if (jail_prepare() != 0)
                        _exit(1);
                if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                        _exit(2);
                if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0 || core.rlim_max != 0)
                        _exit(3);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        check_allowed(status);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_listed_is_allowed), cmocka_unit_test(test_others_kill), cmocka_unit_test(test_errno),
                cmocka_unit_test(test_argument),          cmocka_unit_test(test_mask),        cmocka_unit_test(test_threads),
                cmocka_unit_test(test_prepare),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
