/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/when.h"

#define NOW (UINT64_C(1764036000) * USEC_PER_SEC) /* 2025-11-25 02:00:00 UTC, 03:00:00 in TZ below */

static uint64_t seconds(const char *s) {
        uint64_t usec = 0;

        if (when_parse(s, NOW, &usec) < 0)
                fail_msg("not taken: %s", s);
        return usec / USEC_PER_SEC;
}

static void test_taken(void **state _unused_) {
        assert_int_equal(seconds("now"), 1764036000);
        assert_int_equal(seconds("2h"), 1764036000 - 7200);
        assert_int_equal(seconds("1h 30min"), 1764036000 - 5400);
        assert_int_equal(seconds("@12"), 12);
        assert_int_equal(seconds("today"), 1764036000 - 3 * 3600);
        assert_int_equal(seconds("yesterday"), 1764036000 - 27 * 3600);
        assert_int_equal(seconds("2025-11-25"), 1764036000 - 3 * 3600);
        assert_int_equal(seconds("2025-11-25 03:00"), 1764036000);
        assert_int_equal(seconds("2025-11-25 03:00:07"), 1764036007);
        assert_int_equal(seconds("2025-11-25T02:00:07Z"), 1764036007);
        assert_int_equal(seconds("100weeks"), 1764036000 - 100 * 7 * 86400);
        assert_int_equal(seconds("1000000h"), 0);
}

static void test_refused(void **state _unused_) {
        static const char *const wrong[] = {"",          "x", "-1h", "@", "@x", "@18446744073709551615", "2025-11", "2025-13-01", "2025-11-25 03:00x",
                                            "1900-01-01"};
        uint64_t usec;

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                if (when_parse(wrong[i], NOW, &usec) == 0)
                        fail_msg("taken: \"%s\"", wrong[i]);
}

static void test_format(void **state _unused_) {
        char text[32];

        when_format(NOW, text);
        assert_string_equal(text, "2025-11-25 03:00:00");
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken), cmocka_unit_test(test_refused), cmocka_unit_test(test_format)};

        setenv("TZ", "MID-1", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
