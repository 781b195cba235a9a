/* SPDX-License-Identifier: Apache-2.0 */

/* The supervisor with toy roles: what it starts, replaces, hands over and keeps */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common/chan.h"
#include "keyd/supervisor/spawn.h"
#include "tests/unit/keyd/supervisor/fixture.h"

/* Standard input, output and error, and the role's channels */
#define FDS_OF_VERIFIER 5
#define TOLD_FIRST "mode=good resend=1 empty=1 dry=0 quiet=0 previous=0 last=0 keys=1 fds=9 credentials=1 notify=0 pid="

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

/* The pid of a role: 0 the signer, 1 the verifier */
static pid_t pid_of(Fixture *f, size_t role) {
        _cleanup_(status_done) Status s;

        fixture_status(f, &s);
        return (pid_t) s.m.roles[role].pid;
}

static void wait_restarted(Fixture *f, size_t role, unsigned n) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        for (;;) {
                _cleanup_(status_done) Status s;

                fixture_status(f, &s);
                if (s.m.roles[role].n_restarts == n && s.m.roles[role].ready)
                        return;
                assert_true(now_usec() < deadline_usec);
                poll(NULL, 0, 5);
        }
}

static void test_start(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;
        _cleanup_(status_done) Status s;
        int loader;
        Answer a;

        fixture_start(f, true);

        /* The caller's descriptor has arrived: its answer came. SNAPSHOT PROFILE SNAPSHOT_END */
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.revision, 1);
        assert_int_equal(a.n_records, 3);
        /* The caller's own, besides. */
        assert_int_equal(a.n_fds, FDS_OF_VERIFIER + 1);
        assert_int_equal(a.told_more, 0);

        told = fixture_told(f, 1);
        assert_true(strncmp(told, TOLD_FIRST, strlen(TOLD_FIRST)) == 0);

        /* It has ended and is not reaped: the journal can still tell whose its records are. */
        assert_int_equal(sscanf(told + strlen(TOLD_FIRST), "%d", &loader), 1);
        assert_int_equal(kill(loader, 0), 0);

        wait_restarted(f, 0, 0);
        fixture_status(f, &s);
        assert_int_equal(s.m.n_roles, 2);
        assert_true(span_is(s.m.roles[0].name, "signer"));
        assert_true(span_is(s.m.roles[0].text, "toy memory"));
        assert_int_equal(s.m.roles[1].pid, a.pid);
        assert_int_equal(s.m.n_profiles, 1);
        assert_int_equal(s.m.n_loads, 1);
}

static void test_verifier_replaced(void **state) {
        Fixture *f = *state;
        Answer before, after;

        fixture_start(f, true);
        assert_true(fixture_call(f, &before));
        assert_int_equal(kill(before.pid, SIGKILL), 0);

        wait_restarted(f, 1, 1);
        fixture_wait_revision(f, 1, &after);
        assert_int_not_equal(after.pid, before.pid);
        assert_int_equal(after.n_records, before.n_records);
        free(fixture_told(f, 1));
}

/* A new signer has no keys: a load sends them all. */
static void test_signer_replaced(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;

        fixture_set_mode(f, "same");
        fixture_start(f, true);
        assert_int_equal(kill(pid_of(f, 0), SIGKILL), 0);

        told = fixture_told(f, 2);
        assert_non_null(strstr(told, "\nmode=same resend=1 empty=1 dry=0 quiet=1 previous=3 last=1 keys=1 fds=9 "));
        wait_restarted(f, 0, 1);
}

/* A load that is under way when the signer dies is for nobody. */
static void test_signer_replaced_during_load(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;
        _cleanup_(status_done) Status s;
        Answer a;

        fixture_start(f, true);
        fixture_set_mode(f, "hang");
        assert_int_equal(kill(f->pid, SIGHUP), 0);
        free(fixture_told(f, 2));
        fixture_set_mode(f, "good");
        assert_int_equal(kill(pid_of(f, 0), SIGKILL), 0);

        told = fixture_told(f, 3);
        assert_non_null(strstr(told, "\nmode=good resend=1 empty=1 "));
        fixture_wait_revision(f, 2, &a);
        /* Nothing is wrong with that load. */
        fixture_status(f, &s);
        assert_int_equal(s.m.n_failed_loads, 0);
}

static void assert_load_fails(Fixture *f, const char *mode, const char *why) {
        _cleanup_free_ char *text = NULL;
        _cleanup_(status_done) Status s;
        Answer a;

        fixture_start(f, true);
        fixture_set_mode(f, mode);
        assert_int_equal(fixture_reload(f, false, &text), 1);
        assert_non_null(strstr(text, why));

        /* What was loaded before stays. */
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.revision, 1);
        fixture_status(f, &s);
        assert_int_equal(s.m.n_failed_loads, 1);

        /* Nobody knows what the signer has: it gets all again, and the lost number is not used twice. */
        fixture_set_mode(f, "good");
        free(text);
        assert_int_equal(fixture_reload(f, false, &text), 0);
        assert_non_null(strstr(text, "resend=1 empty=0 "));
        fixture_wait_revision(f, 2, &a);
}

static void test_load_deadline(void **state) {
        Fixture *f = *state;

        f->p.load_deadline_usec = 500 * USEC_PER_MSEC;
        assert_load_fails(f, "hang", "failed: it was killed by signal 9 (KILL): it was not done in time");
}

static void test_load_out_of_turn(void **state) {
        assert_load_fails(*state, "early", "it said what it must not");
}

static void test_load_without_snapshot(void **state) {
        assert_load_fails(*state, "silent", "failed: it ended with status 0");
}

static void test_load_cut(void **state) {
        assert_load_fails(*state, "cut", "failed: it ended with status 0");
}

static void test_load_exit_status(void **state) {
        assert_load_fails(*state, "nonzero", "failed: it ended with status 1");
}

/* The number that a failed load had given out is spent. */
static void test_generation_spent(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        fixture_start(f, true);
        fixture_set_mode(f, "nonzero");
        assert_int_equal(fixture_reload(f, false, NULL), 1);
        fixture_set_mode(f, "good");
        assert_int_equal(fixture_reload(f, false, &text), 0);
        assert_non_null(strstr(text, " last=2 "));
}

/* Without a descriptor for a loader the load fails, and what was loaded stays; the next one is tried soon. */
static void test_loader_not_started(void **state) {
        Fixture *f = *state;
        struct rlimit few = {.rlim_cur = SPAWN_FD_MIN, .rlim_max = 1024}, enough = {.rlim_cur = 1024, .rlim_max = 1024};
        _cleanup_free_ char *text = NULL;
        _cleanup_(buf_done) Buf status = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_fd_ int fd = -1;
        Answer a;

        f->p.retry_usec = 10 * USEC_PER_MSEC;
        fixture_start(f, true);
        fd = fixture_connect_admin(f);
        /* It has its descriptor. */
        assert_int_equal(chan_send(fd, SPAN_LITERAL("\x62"), deadline_after(FIXTURE_DEADLINE_USEC)), 0);
        assert_int_equal(chan_receive(fd, &status, deadline_after(FIXTURE_DEADLINE_USEC)), 0);
        assert_int_equal(prlimit(f->pid, RLIMIT_NOFILE, &few, NULL), 0);
        fixture_ask_reload(fd, false);
        assert_int_equal(fixture_take_reloaded(fd, &text), 1);
        assert_non_null(strstr(text, "it cannot be started: "));

        assert_int_equal(prlimit(f->pid, RLIMIT_NOFILE, &enough, NULL), 0);
        fixture_wait_revision(f, 2, &a);
}

/* A profile that is removed and comes again goes on counting. */
static void test_generation_remembered(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        fixture_start(f, true);
        fixture_set_mode(f, "gone");
        assert_int_equal(fixture_reload(f, false, NULL), 0);
        fixture_set_mode(f, "good");
        assert_int_equal(fixture_reload(f, false, &text), 0);
        assert_non_null(strstr(text, " previous=2 last=1 "));
}

/* The same snapshot again is no news for calld. */
static void test_unchanged_snapshot(void **state) {
        Fixture *f = *state;
        Answer a;

        fixture_set_mode(f, "same");
        fixture_start(f, true);
        assert_int_equal(fixture_reload(f, false, NULL), 0);
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.revision, 1);
}

static void test_hangup(void **state) {
        Fixture *f = *state;
        Answer a;

        fixture_start(f, true);
        assert_int_equal(kill(f->pid, SIGHUP), 0);
        fixture_wait_revision(f, 2, &a);
}

static void test_watch(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;
        Answer a;

        fixture_start(f, true);
        /* A name that does not matter, then the one that does. */
        fixture_set_mode(f, "good");
        fixture_write_file(f, "etc/key", "new");
        fixture_wait_revision(f, 2, &a);

        told = fixture_told(f, 2);
        assert_null(strstr(strchr(told, '\n') + 1, "resend=1"));
}

static void test_refresh(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *told = NULL;

        f->p.refresh_usec = 100 * USEC_PER_MSEC;
        fixture_set_mode(f, "same");
        fixture_start(f, true);
        told = fixture_told(f, 2);
        assert_non_null(strstr(told, "quiet=1"));
}

static void test_crash_loop(void **state) {
        Fixture *f = *state;
        int status;

        fixture_link_role(f, "bin/keyd-verifier", "/bin/false");
        fixture_start(f, false);
        status = fixture_wait(f);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
}

static void test_role_without_ready(void **state) {
        Fixture *f = *state;
        int status;

        f->p.role_deadline_usec = 50 * USEC_PER_MSEC;
        f->p.log = "mute";
        fixture_start(f, false);
        status = fixture_wait(f);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
}

/* Every orphan would be ours, see PR_SET_CHILD_SUBREAPER. */
static void assert_no_child_left(void) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        while (waitpid(-1, NULL, WNOHANG) >= 0) {
                assert_true(now_usec() < deadline_usec);
                poll(NULL, 0, 5);
        }
        assert_int_equal(errno, ECHILD);
}

static void test_terminated(void **state) {
        Fixture *f = *state;
        pid_t signer, verifier;
        int status;

        fixture_start(f, true);
        signer = pid_of(f, 0);
        verifier = pid_of(f, 1);
        /* A loader that would not end by itself */
        fixture_set_mode(f, "hang");
        assert_int_equal(kill(f->pid, SIGHUP), 0);
        free(fixture_told(f, 2));

        assert_int_equal(kill(f->pid, SIGTERM), 0);
        status = fixture_wait(f);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        assert_int_equal(kill(signer, 0), -1);
        assert_int_equal(kill(verifier, 0), -1);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* The loader hangs and notices nothing by itself. */
static void test_killed(void **state) {
        Fixture *f = *state;

        fixture_start(f, true);
        fixture_set_mode(f, "hang");
        assert_int_equal(kill(f->pid, SIGHUP), 0);
        free(fixture_told(f, 2));

        assert_int_equal(kill(f->pid, SIGKILL), 0);
        assert_true(WIFSIGNALED(fixture_wait(f)));
        assert_no_child_left();
}

int main(int argc, char *argv[]) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_start),
                TEST(test_verifier_replaced),
                TEST(test_signer_replaced),
                TEST(test_signer_replaced_during_load),
                TEST(test_load_deadline),
                TEST(test_load_out_of_turn),
                TEST(test_load_without_snapshot),
                TEST(test_load_cut),
                TEST(test_load_exit_status),
                TEST(test_generation_spent),
                TEST(test_generation_remembered),
                TEST(test_loader_not_started),
                TEST(test_unchanged_snapshot),
                TEST(test_hangup),
                TEST(test_watch),
                TEST(test_refresh),
                TEST(test_crash_loop),
                TEST(test_role_without_ready),
                TEST(test_terminated),
                TEST(test_killed),
        };

        if (argc != 2 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return 2;
        toy_path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
