/* SPDX-License-Identifier: Apache-2.0 */

/* The admin socket of a supervisor with toy roles */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "common/chan.h"
#include "tests/unit/keyd/supervisor/fixture.h"

static const char *toy_path;

static int set_up(void **state) {
        static Fixture f;

        fixture_init(&f, toy_path);
        *state = &f;
        return 0;
}

static int tear_down(void **state) {
        fixture_done(*state);
        return 0;
}

static void status_done(Status *s) {
        buf_done(&s->record);
}

static void test_dry_run(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;
        Answer a;

        fixture_start(f, true);
        assert_int_equal(fixture_reload(f, true, &text), 0);
        assert_non_null(strstr(text, "dry=1 quiet=0 previous=3 last=1 keys=0 fds=8 "));

        assert_true(fixture_call(f, &a));
        assert_int_equal(a.revision, 1);
        /* The number that it would have got is not spent. */
        free(text);
        assert_int_equal(fixture_reload(f, false, &text), 0);
        assert_non_null(strstr(text, " last=1 "));
}

/* Loads never overlap; what is asked for meanwhile is one load more. */
static void test_requests_remembered(void **state) {
        Fixture *f = *state;
        _cleanup_(status_done) Status before, s;
        int fds[3];

        fixture_start(f, true);
        fixture_set_mode(f, "hold");
        for (size_t i = 0; i < 3; i++) {
                fds[i] = fixture_connect_admin(f);
                fixture_ask_reload(fds[i], false);
                if (i == 0)
                        free(fixture_told(f, 2));
        }
        /* who asks after them is answered after they were heard */
        fixture_status(f, &before);
        fixture_set_mode(f, "good");
        fixture_let_go(f);

        for (size_t i = 0; i < 3; i++) {
                assert_int_equal(fixture_take_reloaded(fds[i], NULL), 0);
                close(fds[i]);
        }
        fixture_status(f, &s);
        assert_int_equal(s.m.n_loads, 3);
}

static void assert_closed(Fixture *f, Span request) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        _cleanup_fd_ int fd = fixture_connect_admin(f);

        assert_int_equal(chan_send(fd, request, deadline_after(FIXTURE_DEADLINE_USEC)), 0);
        assert_int_equal(chan_receive(fd, &record, deadline_after(FIXTURE_DEADLINE_USEC)), CHAN_E_CLOSED);
}

static void test_admin_malformed(void **state) {
        Fixture *f = *state;
        _cleanup_(status_done) Status s;

        fixture_start(f, true);
        assert_closed(f, SPAN_LITERAL("\x61"));         /* RELOAD without dry_run */
        assert_closed(f, SPAN_LITERAL("\x61\x02"));     /* no bool */
        assert_closed(f, SPAN_LITERAL("\x62\x00"));     /* STATUS with a body */
        assert_closed(f, SPAN_LITERAL("\x6a\0\0\0\0")); /* an answer */
        assert_closed(f, SPAN_LITERAL("\x03"));         /* SIGN */
        fixture_status(f, &s);
        assert_int_equal(s.m.n_roles, 2);
}

/* Who asks and does not read is closed, and what was queued for it is dropped. */
static void test_admin_not_reading(void **state) {
        Fixture *f = *state;
        _cleanup_fd_ int fd = -1;
        _cleanup_(status_done) Status s;
        int r;

        fixture_start(f, true);
        fd = fixture_connect_admin(f);
        do
                r = chan_send(fd, SPAN_LITERAL("\x62"), deadline_after(FIXTURE_DEADLINE_USEC));
        while (r == 0);
        assert_true(r == -EPIPE || r == -ECONNRESET);
        fixture_status(f, &s);
        assert_int_equal(s.m.n_roles, 2);
}

static void test_admin_idle(void **state) {
        Fixture *f = *state;
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        _cleanup_fd_ int fd = -1;

        f->p.admin_idle_usec = 50 * USEC_PER_MSEC;
        fixture_start(f, true);
        fd = fixture_connect_admin(f);
        assert_int_equal(chan_receive(fd, &record, deadline_after(FIXTURE_DEADLINE_USEC)), CHAN_E_CLOSED);
}

static void test_admin_other_user(void **state) {
        Fixture *f = *state;
        int status;
        pid_t pid;

        if (geteuid() != 0)
                skip(); /* only root can become another user */

        fixture_start(f, true);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                Buf record = BUF_INIT(PROTO_RECORD_MAX);
                int fd;

                if (setuid(65534) < 0)
                        _exit(1);
                fd = fixture_connect_admin(f);
                /* It may have been closed already. */
                ignore_result(chan_send(fd, SPAN_LITERAL("\x62"), 0), "the answer is what counts");
                _exit(chan_receive(fd, &record, deadline_after(FIXTURE_DEADLINE_USEC)) == 0 ? 2 : 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
}

/* A change that a reload has read is no reason for another load. */
static void test_change_reloaded(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;
        uint64_t deadline_usec;
        unsigned n = 0;

        f->p.debounce_usec = USEC_PER_SEC;
        fixture_start(f, true);
        fixture_write_file(f, "etc/key", "new");
        deadline_usec = deadline_after(f->p.debounce_usec + 500 * USEC_PER_MSEC);
        assert_int_equal(fixture_reload(f, false, NULL), 0);
        while (now_usec() < deadline_usec)
                poll(NULL, 0, 10);

        told = fixture_told(f, 2);
        for (const char *c = told; *c; c++)
                n += *c == '\n';
        assert_int_equal(n, 2);
}

/* One that nobody asked for leaves out what is young: it does not count as having read a change. */
static void test_change_refreshed(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;

        f->p.refresh_usec = 100 * USEC_PER_MSEC;
        f->p.debounce_usec = 400 * USEC_PER_MSEC;
        fixture_set_mode(f, "same");
        fixture_start(f, true);
        fixture_write_file(f, "etc/key", "new");

        told = fixture_told(f, 10);
        assert_non_null(strstr(strchr(told, '\n'), "quiet=0"));
}

int main(int argc, char *argv[]) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_dry_run),    TEST(test_requests_remembered), TEST(test_admin_malformed), TEST(test_admin_not_reading),
                TEST(test_admin_idle), TEST(test_admin_other_user),    TEST(test_change_reloaded), TEST(test_change_refreshed),
        };

        if (argc != 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return 2;
        toy_path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
