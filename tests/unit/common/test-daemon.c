/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/daemon.h"
#include "tests/unit/lib/unit.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */

/* A socket as a manager passes it: neither CLOEXEC nor non-blocking */
static int make_socket(int type, bool listening) {
        struct sockaddr_un address = {.sun_family = AF_UNIX}; /* autobind */
        int fd = socket(AF_UNIX, type, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        if (listening)
                assert_int_equal(listen(fd, 1), 0);
        return fd;
}

typedef struct Passed {
        const char *names;
        unsigned n;
        int type;
        bool listening;
} Passed;

static void be_started(const Passed *p) {
        char text[16];

        for (unsigned i = 0; i < p->n; i++) {
                int fd = make_socket(p->type, p->listening);

                if (fd != FIRST + (int) i) {
                        assert_int_equal(dup2(fd, FIRST + (int) i), FIRST + (int) i);
                        if (fd >= FIRST + (int) p->n)
                                close(fd);
                }
        }
        snprintf(text, sizeof(text), "%u", p->n);
        setenv("LISTEN_FDS", text, 1);
        snprintf(text, sizeof(text), "%d", (int) getpid());
        setenv("LISTEN_PID", text, 1);
        if (p->names)
                setenv("LISTEN_FDNAMES", p->names, 1);
}

/* The descriptor that a child, started with these sockets, gets for @name; or the negative errno. */
static int take(const Passed *p, const char *name) {
        int status;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                int fd = -1, r;

                be_started(p);
                r = daemon_take_socket(name, SOCK_SEQPACKET, &fd);
                if (r == 0 && (!(fcntl(fd, F_GETFL) & O_NONBLOCK) || !(fcntl(fd, F_GETFD) & FD_CLOEXEC)))
                        _exit(99);
                _exit(r == 0 ? fd : 100 - r);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_not_equal(WEXITSTATUS(status), 99);
        return WEXITSTATUS(status) >= 100 ? 100 - WEXITSTATUS(status) : WEXITSTATUS(status);
}

static void test_by_name(void **state) {
        static const Passed two = {.names = "calld:keyd", .n = 2, .type = SOCK_SEQPACKET, .listening = true};

        assert_int_equal(take(&two, "calld"), FIRST);
        assert_int_equal(take(&two, "keyd"), FIRST + 1);
        assert_int_equal(take(&two, "other"), -ENOENT);
        assert_int_equal(take(&two, "cal"), -ENOENT);
}

static void test_without_names(void **state) {
        static const Passed one = {.n = 1, .type = SOCK_SEQPACKET, .listening = true};
        static const Passed two = {.n = 2, .type = SOCK_SEQPACKET, .listening = true};
        static const Passed other = {.names = "other", .n = 1, .type = SOCK_SEQPACKET, .listening = true};

        assert_int_equal(take(&one, "keyd"), FIRST);
        assert_int_equal(take(&two, "keyd"), -ENOENT);
        assert_int_equal(take(&other, "keyd"), -ENOENT);
}

static void test_wrong_socket(void **state) {
        static const Passed stream = {.names = "keyd", .n = 1, .type = SOCK_STREAM, .listening = true};
        static const Passed deaf = {.names = "keyd", .n = 1, .type = SOCK_SEQPACKET, .listening = false};

        assert_int_equal(take(&stream, "keyd"), -EINVAL);
        assert_int_equal(take(&deaf, "keyd"), -EINVAL);
}

static void test_nothing_passed(void **state) {
        int fd = -1;

        unsetenv("LISTEN_FDS");
        assert_int_equal(daemon_take_socket("keyd", SOCK_SEQPACKET, &fd), -ENOENT);
        assert_int_equal(fd, -1);
}

static void check_signal_ends_loop(int number) {
        sd_event *loop = NULL;
        sigset_t before;

        assert_int_equal(sigprocmask(SIG_BLOCK, NULL, &before), 0);
        assert_true(sd_event_new(&loop) >= 0);
        assert_int_equal(daemon_prepare_loop(loop), 0);
        assert_int_equal(kill(getpid(), number), 0);
        assert_int_equal(sd_event_loop(loop), 0);
        sd_event_unref(loop);
        assert_int_equal(sigprocmask(SIG_SETMASK, &before, NULL), 0);
}

static void test_signals_end_loop(void **state) {
        check_signal_ends_loop(SIGTERM);
        check_signal_ends_loop(SIGINT);
}

static void test_sigpipe_is_ignored(void **state) {
        struct sigaction a;

        assert_int_equal(sigaction(SIGPIPE, NULL, &a), 0);
        assert_ptr_equal(a.sa_handler, SIG_IGN);
}

/* The manager's end of $NOTIFY_SOCKET */
static void test_notify(void **state) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        socklen_t size = sizeof(address);
        char name[128], text[256] = "";
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(sa_family_t)), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *) &address, &size), 0);
        snprintf(name, sizeof(name), "@%.*s", (int) (size - sizeof(sa_family_t) - 1), address.sun_path + 1);
        setenv("NOTIFY_SOCKET", name, 1);

        daemon_notify_ready("%d keys", 3);
        assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(text, "READY=1\nSTATUS=3 keys");

        memset(text, 0, sizeof(text));
        daemon_notify_status("%s", "busy");
        assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(text, "STATUS=busy");

        memset(text, 0, sizeof(text));
        daemon_notify_stopping();
        assert_true(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT) > 0);
        assert_string_equal(text, "STOPPING=1");
        unsetenv("NOTIFY_SOCKET");
        close(fd);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_by_name),        cmocka_unit_test(test_without_names),    cmocka_unit_test(test_wrong_socket),
                cmocka_unit_test(test_nothing_passed), cmocka_unit_test(test_signals_end_loop), cmocka_unit_test(test_sigpipe_is_ignored),
                cmocka_unit_test(test_notify),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
