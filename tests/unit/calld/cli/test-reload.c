/* SPDX-License-Identifier: Apache-2.0 */

/* midtls reload against a keyd of a few records */

#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "common/chan.h"
#include "common/msg-admin.h"

static const char *program; /* the command's path, the test's argument */

typedef struct Answers {
        const MsgAdminReport *reports;
        size_t n_reports;
        bool ended; /* RELOADED follows */
        uint32_t n_failed;
        Span garbage; /* sent at last, when it is not empty */
} Answers;

typedef struct Result {
        int status;
        bool dry_run; /* as keyd was asked */
        char out[2048];
        char err[2048];
} Result;

static int listen_at(char path[64]) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const struct timeval timeout = {.tv_sec = 10};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        snprintf(path, 64, "/tmp/test-reload-%d.sock", (int) getpid());
        memcpy(address.sun_path, path, 64);
        unlink(path);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 1), 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)), 0);
        return fd;
}

static void send_record(int fd, Buf *record) {
        assert_int_equal(chan_send(fd, buf_span(record), deadline_after(USEC_PER_SEC)), 0);
        buf_clear(record);
}

static bool answer(int listener, const Answers *a) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_fd_ int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        const MsgAdminReloaded reloaded = {.n_failed = a->n_failed};
        MsgAdminReload request;

        assert_true(fd >= 0);
        assert_int_equal(chan_receive(fd, &record, deadline_after(10 * USEC_PER_SEC)), 0);
        assert_int_equal(record.data[0], ADMIN_RELOAD);
        assert_int_equal(msg_admin_reload_decode(span_make(record.data + 1, record.size - 1), &request), 0);
        buf_clear(&record);

        for (size_t i = 0; i < a->n_reports; i++) {
                assert_int_equal(msg_admin_report_encode(&record, &a->reports[i]), 0);
                send_record(fd, &record);
        }
        if (a->garbage.size > 0)
                assert_int_equal(chan_send(fd, a->garbage, deadline_after(USEC_PER_SEC)), 0);
        if (a->ended) {
                int r;

                assert_int_equal(msg_admin_reloaded_encode(&record, &reloaded), 0);
                r = chan_send(fd, buf_span(&record), deadline_after(USEC_PER_SEC));
                /* After garbage the command may be gone already. */
                assert_true(r == 0 || a->garbage.size > 0);
        }
        return request.dry_run;
}

static void read_back(int fd, char ret[2048]) {
        ssize_t n = pread(fd, ret, 2047, 0);

        assert_true(n >= 0);
        ret[n] = 0;
        close(fd);
}

static Result run(const Answers *a, const char *option) {
        int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC), status;
        posix_spawn_file_actions_t actions;
        _cleanup_fd_ int listener = -1;
        Result result = {};
        char path[64];
        pid_t pid;

        listener = listen_at(path);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, err, 2);
        {
                const char *argv[] = {program, "reload", "--socket", path, option, NULL};

                assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *) argv, environ), 0);
        }
        posix_spawn_file_actions_destroy(&actions);

        result.dry_run = answer(listener, a);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        result.status = WEXITSTATUS(status);
        read_back(out, result.out);
        read_back(err, result.err);
        unlink(path);
        return result;
}

static const MsgAdminReport reports[] = {
        {.profile = {(const uint8_t *) "mauth", 5}, .what = ADMIN_WHAT_LOADED, .sentence = {(const uint8_t *) "ec-p256", 7}},
        {.profile = {(const uint8_t *) "bank", 4},
         .what = ADMIN_WHAT_KEPT_OLD,
         .sentence = {(const uint8_t *) "wrong password", 14},
         .hint = {(const uint8_t *) "look at Password=", 17}},
};

static void test_good(void **state _unused_) {
        const Answers a = {.reports = reports, .n_reports = 1, .ended = true};
        Result result = run(&a, NULL);

        assert_int_equal(result.status, 0);
        assert_false(result.dry_run);
        assert_string_equal(result.out, "mauth: loaded: ec-p256\n");
        assert_string_equal(result.err, "");
}

/* A key that could not be reloaded fails visibly, although the old one is still in use. */
static void test_failed(void **state _unused_) {
        const Answers a = {.reports = reports, .n_reports = 2, .ended = true, .n_failed = 1};
        Result result = run(&a, "--dry-run");

        assert_int_equal(result.status, 1);
        assert_true(result.dry_run);
        assert_string_equal(result.out, "mauth: loaded: ec-p256\nbank: kept-old: wrong password\n  hint: look at Password=\n");
        assert_non_null(strstr(result.err, "1 of what was read cannot be used"));
}

static void test_json(void **state _unused_) {
        const Answers a = {.reports = reports, .n_reports = 1, .ended = true};
        Result result = run(&a, "--json=short");

        assert_int_equal(result.status, 0);
        assert_string_equal(result.out,
                            "{\"reports\":[{\"profile\":\"mauth\",\"what\":\"loaded\",\"sentence\":\"ec-p256\",\"hint\":\"\"}],\"n_failed\":0}\n");
}

/* An answer without its end, or that is none, is not taken for success. */
static void test_broken(void **state _unused_) {
        const Answers closed = {.reports = reports, .n_reports = 1}, unknown = {.garbage = SPAN_LITERAL("\x01"), .ended = true},
                      cut = {.garbage = SPAN_LITERAL("\x6a\0\0\0"), .ended = true};
        Result result = run(&closed, NULL);

        assert_int_equal(result.status, 1);
        assert_non_null(strstr(result.err, "keyd closed the connection"));
        result = run(&unknown, NULL);
        assert_int_equal(result.status, 1);
        assert_non_null(strstr(result.err, "no report"));
        result = run(&cut, NULL);
        assert_int_equal(result.status, 1);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),
                cmocka_unit_test(test_failed),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_broken),
        };

        if (argc != 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
