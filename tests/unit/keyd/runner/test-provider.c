/* SPDX-License-Identifier: Apache-2.0 */

/* The arguments of CyberArk's program, and what is made of what it writes; programs that end, hang, write too much */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <sys/wait.h>

#include "keyd/runner/run.h"

static const FetchOpen opened = {.endpoint = (char *) "/opt/sdk", .identity = (char *) "app; rm -rf"};
static const FetchAsk asked = {.container = (char *) "s", .folder = (char *) "", .object = (char *) "o p", .part = (char *) ""};

static void test_arguments(void **state _unused_) {
        static const char *const expected[] = {
                "/opt/sdk", "GetPassword",
                "-p",       "AppDescs.AppID=app; rm -rf",
                "-p",       "Query=Safe=s;Folder=f;Object=o;PolicyID=p",
                "-p",       "FailRequestOnPasswordChange=false",
                "-o",       "PasswordChangeInProcess,Password",
        };
        const FetchAsk full = {.container = (char *) "s", .folder = (char *) "f", .object = (char *) "o", .part = (char *) "p"};
        _cleanup_(provider_arguments_done) ProviderArguments a = {}, b = {};
        FetchAnswer failure;

        assert_int_equal(provider_make_arguments(&opened, &full, &a, &failure), 0);
        assert_int_equal(a.n_items, ARRAY_SIZE(expected));
        for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
                assert_string_equal(a.items[i], expected[i]);
        assert_null(a.items[a.n_items]);
        assert_int_equal(provider_make_arguments(&opened, &asked, &b, &failure), 0);
        assert_string_equal(b.items[5], "Query=Safe=s;Object=o p");
}

static void test_semicolon(void **state _unused_) {
        for (size_t i = 0; i < 4; i++) {
                const FetchAsk ask = {
                        .container = (char *) (i == 0 ? "s;Safe=x" : "s"),
                        .folder = (char *) (i == 1 ? ";" : ""),
                        .object = (char *) (i == 2 ? "o;" : "o"),
                        .part = (char *) (i == 3 ? ";p" : ""),
                };
                _cleanup_(provider_arguments_done) ProviderArguments a = {};
                FetchAnswer failure = {};

                assert_int_equal(provider_make_arguments(&opened, &ask, &a, &failure), 1);
                assert_int_equal(failure.class, FETCH_CONFIGURATION);
                assert_int_equal(a.n_items, 0);
        }
}

static void read_result(int status, const char *output, const char *error, FetchAnswer *ret) {
        _cleanup_(provider_result_done) ProviderResult result = {.status = status};

        assert_int_equal(secret_new_from(output, strlen(output), &result.output), 0);
        assert_int_equal(secret_new_from(error, strlen(error), &result.error), 0);
        assert_int_equal(provider_read(&asked, &result, ret), 0);
}

static void test_good(void **state _unused_) {
        static const struct {
                const char *output, *password;
                bool is_changing;
        } cases[] = {
                {"false,secret\n", "secret", false},
                {"False,a,b c\r\n", "a,b c", false},
                {"true,x", "x", true},
                {"TRUE,true,\n", "true,", true},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FetchAnswer a;

                read_result(0, cases[i].output, "a warning", &a);
                assert_int_equal(a.class, FETCH_OK);
                assert_int_equal(a.is_changing, cases[i].is_changing);
                assert_int_equal(secret_size(a.content), strlen(cases[i].password));
                assert_memory_equal(secret_data(a.content), cases[i].password, strlen(cases[i].password));
                fetch_answer_done(&a);
        }
}

static void test_bad(void **state _unused_) {
        static const struct {
                int status; /* as waitpid() gives it */
                const char *output, *error;
                FetchClass class;
                const char *word;
        } cases[] = {
                {0, "", "", FETCH_RETRY, "not what a Credential Provider writes"},
                {0, "secret\n", "", FETCH_RETRY, "not what a Credential Provider writes"},
                {0, "false", "", FETCH_RETRY, "not what a Credential Provider writes"},
                {0, "false,a\nb\n", "", FETCH_RETRY, "not what a Credential Provider writes"},
                {0, "false,\n", "", FETCH_CONFIGURATION, "is empty"},
                {1 << 8, "false,EVIL", "APPAP008E Problem occurred while trying to use user in the Vault", FETCH_ALERT, "APPAP008E, status 1"},
                {1 << 8, "", "ITATS982E xAPPAP004E APPAP004E EVIL", FETCH_CONFIGURATION, "APPAP004E"},
                {255 << 8, "", "APPAP007E EVIL", FETCH_RETRY_ALL, "connection to the vault failed"},
                {2 << 8, "", "ERROR (12) EVIL", FETCH_RETRY, "without a known code (status 2)"},
                {9, "false,EVIL", "", FETCH_RETRY, "signal 9"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                FetchAnswer a;

                read_result(cases[i].status, cases[i].output, cases[i].error, &a);
                if (a.class != cases[i].class || !strstr(a.detail, cases[i].word) || strstr(a.detail, "EVIL") || a.content || !a.hint[0])
                        fail_msg("case %zu: class %d, %s", i, a.class, a.detail);
        }
}

static int run(const char *script, uint64_t usec, ProviderResult *ret) {
        char *const arguments[] = {(char *) "/bin/sh", (char *) "-c", (char *) script, NULL};

        return run_program(arguments, deadline_after(usec), ret);
}

static void test_run(void **state _unused_) {
        _cleanup_(provider_result_done) ProviderResult r = {}, absent = {};
        char *const nothing[] = {(char *) "/nonexistent/x", NULL};

        assert_int_equal(run("echo out; echo err >&2; exit 3", 10 * USEC_PER_SEC, &r), 0);
        assert_int_equal(WEXITSTATUS(r.status), 3);
        assert_int_equal(secret_size(r.output), 4);
        assert_memory_equal(secret_data(r.output), "out\n", 4);
        assert_memory_equal(secret_data(r.error), "err\n", 4);
        assert_int_equal(run_program(nothing, deadline_after(10 * USEC_PER_SEC), &absent), 0);
        assert_int_equal(WEXITSTATUS(absent.status), 127);
}

static void test_run_late(void **state _unused_) {
        /* It hangs; it has closed its output and hangs; it ends, and what it started keeps the output open. */
        static const char *const scripts[] = {"while :; do :; done", "exec >&- 2>&-; while :; do :; done", "while :; do :; done & exit 0"};

        for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
                ProviderResult r = {};

                assert_int_equal(run(scripts[i], 300 * USEC_PER_MSEC, &r), RUN_E_LATE);
                assert_null(r.output);
        }
}

static void test_run_large(void **state _unused_) {
        ProviderResult r = {};

        assert_int_equal(run("exec cat /dev/zero", 30 * USEC_PER_SEC, &r), RUN_E_LARGE);
        assert_int_equal(run("exec cat /dev/zero >&2", 30 * USEC_PER_SEC, &r), RUN_E_LARGE);
        assert_null(r.output);
}

static void test_program(void **state _unused_) {
        static const char *const bad[] = {"sh", "/nonexistent/x", "/dev/null", "/bin", "", "bin/sh"};
        FetchAnswer a = {};

        assert_int_equal(chdir("/"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                assert_int_equal(run_check_program(bad[i], &a), 1);
                assert_int_equal(a.class, FETCH_CONFIGURATION);
        }
        assert_int_equal(run_check_program("/bin/sh", &a), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_arguments), cmocka_unit_test(test_semicolon), cmocka_unit_test(test_good),      cmocka_unit_test(test_bad),
                cmocka_unit_test(test_run),       cmocka_unit_test(test_run_late),  cmocka_unit_test(test_run_large), cmocka_unit_test(test_program),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
