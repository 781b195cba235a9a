/* SPDX-License-Identifier: Apache-2.0 */

/* Profiles at which a loader crashes, hangs or takes long: what the loads after that are told */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

#include "tests/unit/keyd/supervisor/fixture.h"

static const char *toy_path;
static char *profiles_path;

static int set_up(void **state) {
        static Fixture f;

        fixture_init(&f, toy_path);
        fixture_link_role(&f, "bin/keyd-loader", profiles_path);
        f.p.slow_usec = 100 * USEC_PER_MSEC;
        f.p.profile_usec = 400 * USEC_PER_MSEC;
        f.p.patience_usec = USEC_PER_SEC;
        f.p.debounce_usec = USEC_PER_MSEC;
        *state = &f;
        return 0;
}

static int tear_down(void **state) {
        fixture_done(*state);
        return 0;
}

static unsigned n_unavailable(Fixture *f) {
        unsigned n;
        Status s;

        fixture_status(f, &s);
        n = s.m.n_unavailable;
        buf_done(&s.record);
        return n;
}

static unsigned n_failed_loads(Fixture *f) {
        unsigned n;
        Status s;

        fixture_status(f, &s);
        n = s.m.n_failed_loads;
        buf_done(&s.record);
        return n;
}

static void wait_failed_load(Fixture *f) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        while (n_failed_loads(f) == 0) {
                assert_true(now_usec() < deadline_usec);
                poll(NULL, 0, 5);
        }
}

static void wait_unavailable(Fixture *f, unsigned n) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        while (n_unavailable(f) != n) {
                assert_true(now_usec() < deadline_usec);
                poll(NULL, 0, 5);
        }
}

/* @want: a line for each load so far */
static void assert_told(Fixture *f, const char *want) {
        _cleanup_free_ char *told = NULL;
        unsigned n = 0;

        for (const char *c = want; *c; c++)
                n += *c == '\n';
        told = fixture_told(f, n);
        assert_string_equal(told, want);
}

/* The load anew has the others; then b alone fails again, and that is published. */
static void test_crash(void **state) {
        Fixture *f = *state;
        Answer a;

        fixture_set_mode(f, "gcg");
        fixture_start(f, true);
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.n_records, 5);
        assert_told(f, "-\n-b1\n-\n-b0\n");
        wait_unavailable(f, 1);
        assert_int_equal(n_failed_loads(f), 0);
}

static void test_hang(void **state) {
        Fixture *f = *state;
        Answer a;

        fixture_set_mode(f, "gh");
        fixture_start(f, false);
        fixture_wait_revision(f, 1, &a);
        assert_told(f, "-\n-b1\n-\n-b0\n");
}

/* A vault that takes long is no profile's fault: nobody is put off. */
static void test_vault(void **state) {
        Fixture *f = *state;
        Answer a;

        fixture_set_mode(f, "vgv");
        fixture_start(f, true);
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.n_records, 5);
        assert_told(f, "-\n");
        assert_int_equal(n_unavailable(f), 0);
        assert_int_equal(n_failed_loads(f), 0);
}

/* All waits together have one deadline, which is shorter than two of them; then the load is over, and still nobody is put off. */
static void test_vault_endless(void **state) {
        Fixture *f = *state;

        f->p.load_deadline_usec = 1200 * USEC_PER_MSEC;
        f->p.retry_usec = 60 * USEC_PER_SEC;
        fixture_set_mode(f, "wg");
        fixture_start(f, false);
        wait_failed_load(f);
        assert_told(f, "-\n");
}

/* Each costs a load more in which it is met first, and two of its own turn. */
static void test_two(void **state) {
        Fixture *f = *state;

        fixture_set_mode(f, "gcgch");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-b1d1\n-b1d1e1\n-d1e1\n-b0d1e1\n-b0e1\n-b0d0e1\n-b0d0\n-b0d0e0\n");
        wait_unavailable(f, 3);
}

/* It is tried again last, and is one of the others when it is read quickly. */
static void test_change(void **state) {
        Fixture *f = *state;

        fixture_set_mode(f, "gc");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-\n-b0\n");
        wait_unavailable(f, 1);

        fixture_set_mode(f, "gg");
        fixture_write_file(f, "etc/key", "new");
        assert_told(f, "-\n-b1\n-\n-b0\n-b1\n-\n");
        wait_unavailable(f, 0);
        assert_int_equal(fixture_reload(f, false, NULL), 0);
        assert_told(f, "-\n-b1\n-\n-b0\n-b1\n-\n-\n");
}

/* It stays apart, and is ready in the end. */
static void test_slow(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        /* only the CPU time counts, however long that takes on a busy machine */
        f->p.profile_usec = FIXTURE_DEADLINE_USEC;
        f->p.patience_usec = FIXTURE_DEADLINE_USEC;
        fixture_set_mode(f, "gsg");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-\n");
        wait_unavailable(f, 0);

        assert_int_equal(fixture_reload(f, false, &text), 0);
        assert_told(f, "-\n-b1\n-\n-b1\n-\n");
        assert_string_equal(text, "loaded: profile a\nloaded: profile c\nloaded: profile b\n");
}

/* Who asked is told in the end, and each profile once. */
static void test_reload(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;

        fixture_set_mode(f, "gcg");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-\n-b0\n");
        assert_int_equal(fixture_reload(f, false, &text), 1);
        assert_told(f, "-\n-b1\n-\n-b0\n-b1\n-\n-b0\n");
        assert_string_equal(text, "loaded: profile a\nloaded: profile c\nfailed: profile b\n");
        assert_int_equal(n_failed_loads(f), 0);
}

/* A load of its own does not make others wait. */
static void test_gives_way(void **state) {
        Fixture *f = *state;

        f->p.patience_usec = 2 * FIXTURE_DEADLINE_USEC;
        fixture_set_mode(f, "gh");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-\n");
        fixture_write_file(f, "etc/key", "new");
        assert_told(f, "-\n-b1\n-\n-b1\n-\n");
        assert_int_equal(n_failed_loads(f), 0);
}

static void test_dry_run(void **state) {
        Fixture *f = *state;
        _cleanup_free_ char *text = NULL;
        Answer a;

        fixture_set_mode(f, "gg");
        fixture_start(f, true);
        fixture_set_mode(f, "gc");
        assert_int_equal(fixture_reload(f, true, &text), 1);
        assert_string_equal(text, "loaded: profile a\nfailed: profile b\n");
        assert_told(f, "-\n-\n-b0\n");
        /* The next one tries it again. */
        fixture_set_mode(f, "gg");
        assert_int_equal(fixture_reload(f, true, NULL), 0);
        assert_told(f, "-\n-\n-b0\n-\n");
        assert_true(fixture_call(f, &a));
        assert_int_equal(a.revision, 1);
        assert_int_equal(n_unavailable(f), 0);
}

/* A loader that does not do as it is told is not started again and again. */
static void test_disobedient(void **state) {
        Fixture *f = *state;
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        fixture_set_mode(f, "gx");
        fixture_start(f, false);
        while (n_failed_loads(f) == 0) {
                assert_true(now_usec() < deadline_usec);
                poll(NULL, 0, 5);
        }
        assert_told(f, "-\n-b1\n");
}

/* The signer's death during such a load */
static void test_signer_lost(void **state) {
        Fixture *f = *state;
        pid_t signer;
        Status s;

        f->p.patience_usec = 2 * FIXTURE_DEADLINE_USEC;
        fixture_set_mode(f, "gh");
        fixture_start(f, true);
        assert_told(f, "-\n-b1\n-\n");
        fixture_status(f, &s);
        signer = (pid_t) s.m.roles[0].pid;
        buf_done(&s.record);
        assert_int_equal(kill(signer, SIGKILL), 0);
        assert_told(f, "-\n-b1\n-\n-b1\n-\n");
}

int main(int argc, char *argv[]) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        const struct CMUnitTest tests[] = {
                TEST(test_crash),     TEST(test_hang),    TEST(test_two),         TEST(test_change),      TEST(test_slow),  TEST(test_reload),
                TEST(test_gives_way), TEST(test_dry_run), TEST(test_disobedient), TEST(test_signer_lost), TEST(test_vault), TEST(test_vault_endless),
        };

        if (argc != 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
                return 2;
        toy_path = argv[1];
        profiles_path = realpath(argv[2], NULL);
        if (!profiles_path)
                return 2;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
