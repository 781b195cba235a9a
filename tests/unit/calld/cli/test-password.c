/* SPDX-License-Identifier: Apache-2.0 */

/* A password is asked for on a terminal of the test's own */

#include <poll.h>
#include <pty.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "calld/cli/password.h"

typedef struct Terminal {
        int master, slave;
        int result; /* what the process got is written here */
        pid_t pid;
} Terminal;

static _noreturn_ void ask(int slave, int result) {
        char line[PASSWORD_MAX];
        ssize_t n;

        if (setsid() < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 || dup2(slave, STDIN_FILENO) < 0 || dup2(slave, STDERR_FILENO) < 0)
                _exit(99);

        n = password_ask("Password: ", line);
        if (n > 0 && write(result, line, (size_t) n) != n)
                _exit(98);
        _exit(n > 0 ? 0 : (int) -n);
}

static Terminal start(void) {
        Terminal t;
        int ends[2];

        assert_int_equal(openpty(&t.master, &t.slave, NULL, NULL, NULL), 0);
        assert_int_equal(pipe(ends), 0);
        t.pid = fork();
        assert_true(t.pid >= 0);
        if (t.pid == 0)
                ask(t.slave, ends[1]);

        close(ends[1]);
        t.result = ends[0];
        return t;
}

/* Reads what the terminal shows until @part is there. */
static void wait_for(const Terminal *t, const char *part, char shown[512]) {
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);
        size_t size = strlen(shown);

        while (!strstr(shown, part)) {
                struct pollfd p = {.fd = t->master, .events = POLLIN};
                ssize_t n;

                assert_int_equal(poll(&p, 1, deadline_to_poll_ms(deadline)), 1);
                n = read(t->master, shown + size, 511 - size);
                assert_true(n > 0);
                size += (size_t) n;
                shown[size] = 0;
        }
}

static bool echoes(const Terminal *t) {
        struct termios now;

        assert_int_equal(tcgetattr(t->slave, &now), 0);
        return now.c_lflag & ECHO;
}

static int finish(const Terminal *t, char got[64]) {
        ssize_t n = read(t->result, got, 63);
        int status;

        assert_true(n >= 0);
        got[n] = 0;
        assert_int_equal(waitpid(t->pid, &status, 0), t->pid);
        assert_true(echoes(t));
        close(t->master);
        close(t->slave);
        close(t->result);
        return status;
}

static void type_keys(const Terminal *t, const char *keys) {
        assert_int_equal(write(t->master, keys, strlen(keys)), strlen(keys));
}

static void test_no_echo(void **state _unused_) {
        char shown[512] = "", got[64];
        Terminal t = start();

        wait_for(&t, "Password: ", shown);
        assert_false(echoes(&t));
        type_keys(&t, "hush\n");
        wait_for(&t, "\n", shown);
        assert_int_equal(finish(&t, got), 0);
        assert_string_equal(got, "hush\n");
        assert_null(strstr(shown, "hush"));
}

/* Ctrl-C ends the process as it does everywhere, and the terminal shows again what is typed. */
static void test_interrupt(void **state _unused_) {
        char shown[512] = "", got[64];
        Terminal t = start();
        int status;

        wait_for(&t, "Password: ", shown);
        type_keys(&t, "hu\x03");
        status = finish(&t, got);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(WTERMSIG(status), SIGINT);
        assert_string_equal(got, "");
}

static void test_end_of_input(void **state _unused_) {
        char shown[512] = "", got[64];
        Terminal t = start();
        int status;

        wait_for(&t, "Password: ", shown);
        type_keys(&t, "\x04");
        status = finish(&t, got);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), ECANCELED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_no_echo),
                cmocka_unit_test(test_interrupt),
                cmocka_unit_test(test_end_of_input),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
