/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "common/daemon-options.h"

#define WORDS_MAX 4U

static const DaemonOption rows[] = {
        DAEMON_ROW_CONFIG_DIR, DAEMON_ROW_LOG, DAEMON_ROW_CHECK, DAEMON_ROW_INSPECT, DAEMON_ROW_SANDBOX,
};

static int parse(const char *const words[static WORDS_MAX], DaemonOptions *ret) {
        char *argv[WORDS_MAX + 2] = {(char *) "toy"};
        int argc = 1;

        for (; argc <= (int) WORDS_MAX && words[argc - 1]; argc++)
                argv[argc] = (char *) words[argc - 1];

        return daemon_options_parse("toy", "A test.", rows, ARRAY_SIZE(rows), argc, argv, ret);
}

static void test_good(void **state _unused_) {
        DaemonOptions o;

        assert_int_equal(parse((const char *[WORDS_MAX]) {}, &o), 0);
        assert_true(!o.config_dir && !o.log && !o.inspect && !o.check && !o.sandbox_off);

        assert_int_equal(parse((const char *[WORDS_MAX]) {"--config-dir=/a=b", "--log=json", "--check", "--sandbox=off"}, &o), 0);
        assert_string_equal(o.config_dir, "/a=b");
        assert_string_equal(o.log, "json");
        assert_true(o.check && o.sandbox_off);

        assert_int_equal(parse((const char *[WORDS_MAX]) {"--inspect", "FILE", "--log", "console"}, &o), 0);
        assert_string_equal(o.inspect, "FILE");
        assert_string_equal(o.log, "console");
}

static void test_usage(void **state _unused_) {
        static const char *const bad[][WORDS_MAX] = {
                {"--unknown"}, {"--keyd-socket=/x"}, {"word"},          {"-h"},           {"--"},
                {"--chec"},    {"--check=1"},        {"--log"},         {"--log="},       {"--log=syslog"},
                {"--sandbox"}, {"--sandbox=on"},     {"--config-dir="}, {"--config-dir"}, {"--check", "x"},
        };
        DaemonOptions o;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                if (parse(bad[i], &o) != DAEMON_OPTIONS_E_USAGE)
                        fail_msg("%s was taken", bad[i][0]);
}

static void test_answered(void **state _unused_) {
        DaemonOptions o;

        assert_int_equal(parse((const char *[WORDS_MAX]) {"--help"}, &o), DAEMON_OPTIONS_E_DONE);
        assert_int_equal(parse((const char *[WORDS_MAX]) {"--check", "--version"}, &o), DAEMON_OPTIONS_E_DONE);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_usage), cmocka_unit_test(test_answered)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
