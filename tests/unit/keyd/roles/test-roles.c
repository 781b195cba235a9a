/* SPDX-License-Identifier: Apache-2.0 */

/* The executables as they are installed: confined before READY, ended with the supervisor, strict about their command line. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/unit/keyd/roles/role-process.h"

static const char *const *paths;
static size_t n_paths;

/* A line of /proc/PID/status. */
static bool status_has(pid_t pid, const char *wanted) {
        char name[64], line[256];
        _cleanup_fclose_ FILE *f = NULL;

        snprintf(name, sizeof(name), "/proc/%d/status", (int) pid);
        f = fopen(name, "re");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
                if (strcmp(line, wanted) == 0)
                        return true;
        return false;
}

static void test_confined(void **state _unused_) {
        if (!role_can_be_confined())
                skip();

        for (size_t i = 0; i < n_paths; i++) {
                RoleProcess p;

                role_start(&p, paths[i], true);
                assert_non_null(strstr(p.ready, "syscall filter"));
                assert_null(strstr(p.ready, "no syscall filter"));
                assert_true(status_has(p.pid, "Seccomp:\t2\n"));
                assert_true(status_has(p.pid, "NoNewPrivs:\t1\n"));
                assert_true(status_has(p.pid, "Threads:\t1\n"));
                assert_true(role_log_has(&p, "\"MIDTLS_EVENT\":\"sandbox\"", 1));
                assert_int_equal(role_stop(&p), 0);
        }
}

static void test_unconfined(void **state _unused_) {
        for (size_t i = 0; i < n_paths; i++) {
                RoleProcess p;

                role_start(&p, paths[i], false);
                assert_non_null(strstr(p.ready, "no syscall filter"));
                assert_true(status_has(p.pid, "Seccomp:\t0\n"));
                assert_true(role_log_has(&p, "\"PRIORITY\":\"4\"", 1));
                assert_int_equal(role_stop(&p), 0);
        }
}

static int run_with(const char *path, const char *argument) {
        pid_t pid = fork();
        int end = 0;

        if (pid == 0) {
                int null = open("/dev/null", O_RDWR | O_CLOEXEC);

                dup2(null, STDERR_FILENO);
                execl(path, path, argument, NULL);
                _exit(127);
        }
        assert_int_equal(waitpid(pid, &end, 0), pid);
        return WIFEXITED(end) ? WEXITSTATUS(end) : -1;
}

static void test_usage(void **state _unused_) {
        static const char *const wrong[] = {"--log=nowhere", "--sandbox=on", "--unknown", "word", "-x"};

        for (size_t i = 0; i < n_paths; i++)
                for (size_t j = 0; j < ARRAY_SIZE(wrong); j++)
                        assert_int_equal(run_with(paths[i], wrong[j]), 2);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_confined),
                cmocka_unit_test(test_unconfined),
                cmocka_unit_test(test_usage),
        };

        ASSERT(argc > 1);
        paths = (const char *const *) argv + 1;
        n_paths = (size_t) argc - 1;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
