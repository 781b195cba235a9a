/* SPDX-License-Identifier: Apache-2.0 */

#include "common/parse.h"
#include "tests/unit/lib/unit.h"

static void test_uint(void **state) {
        uint64_t v = 99;

        assert_int_equal(parse_uint("0", 0, 10, &v), 0);
        assert_true(v == 0);
        assert_int_equal(parse_uint("18446744073709551615", 0, UINT64_MAX, &v), 0);
        assert_true(v == UINT64_MAX);
        assert_int_equal(parse_uint("007", 7, 7, &v), 0);
        assert_true(v == 7);

        assert_int_equal(parse_uint("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
        assert_int_equal(parse_uint("99999999999999999999999", 0, UINT64_MAX, &v), -ERANGE);
        assert_int_equal(parse_uint("6", 7, 9, &v), -ERANGE);
        assert_int_equal(parse_uint("10", 7, 9, &v), -ERANGE);
        assert_true(v == 7);
}

static void test_uint_refuses(void **state) {
        static const char *const bad[] = {"", " 1", "1 ", "+1", "-1", "1x", "x", "0x1", "1.0", "1\n"};
        uint64_t v = 99;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(parse_uint(bad[i], 0, UINT64_MAX, &v), -EINVAL);
        assert_true(v == 99);
}

static void test_bool(void **state) {
        static const char *const yes[] = {"1", "yes", "Yes", "TRUE", "on", "y", "t"}, *const no[] = {"0", "no", "False", "OFF", "n", "f"};
        static const char *const bad[] = {"", "2", "yess", " yes", "enable", "01"};
        bool v = true;

        for (size_t i = 0; i < ARRAY_SIZE(no); i++)
                assert_true(parse_bool(no[i], &v) == 0 && !v);
        for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
                assert_true(parse_bool(yes[i], &v) == 0 && v);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(parse_bool(bad[i], &v), -EINVAL);
        assert_true(v);
}

static void test_size(void **state) {
        static const char *const bad[] = {"", "K", "1KK", "1k", "1 K", "-1", "1T", "1.5M", "1B"};
        uint64_t v = 0;

        assert_true(parse_size("0", &v) == 0 && v == 0);
        assert_true(parse_size("1000", &v) == 0 && v == 1000);
        assert_true(parse_size("64K", &v) == 0 && v == 65536);
        assert_true(parse_size("3M", &v) == 0 && v == 3145728);
        assert_true(parse_size("17179869183G", &v) == 0 && v == UINT64_C(17179869183) << 30);
        assert_int_equal(parse_size("17179869184G", &v), -ERANGE);
        assert_int_equal(parse_size("18446744073709551616", &v), -ERANGE);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(parse_size(bad[i], &v), -EINVAL);
        assert_true(v == UINT64_C(17179869183) << 30);
}

static void check_timespan(const char *s, uint64_t wanted_usec) {
        uint64_t v = 99;

        assert_int_equal(parse_timespan(s, &v), 0);
        assert_true(v == wanted_usec);
}

static void test_timespan(void **state) {
        check_timespan("10s", 10 * USEC_PER_SEC);
        check_timespan("10", 10 * USEC_PER_SEC);
        check_timespan("2min", 2 * USEC_PER_MINUTE);
        check_timespan("2m", 2 * USEC_PER_MINUTE);
        check_timespan("1h 30min", 90 * USEC_PER_MINUTE);
        check_timespan(" 1h30min ", 90 * USEC_PER_MINUTE);
        check_timespan("250ms", 250 * USEC_PER_MSEC);
        check_timespan("7us", 7);
        check_timespan("7 usec", 7);
        check_timespan("1d", 24 * 60 * USEC_PER_MINUTE);
        check_timespan("1w", 7 * 24 * 60 * USEC_PER_MINUTE);
        check_timespan("1month", 2629800 * USEC_PER_SEC);
        check_timespan("0", 0);
}

static void test_timespan_refuses(void **state) {
        static const char *const bad[] = {"", " ", "s", "10x", "10S", "infinity", "-1s", "+1s", "1.5s", "10s,", "10\ts", "1secs"};
        uint64_t v = 99;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(parse_timespan(bad[i], &v), -EINVAL);
        assert_int_equal(parse_timespan("18446744073709551616us", &v), -ERANGE);
        assert_int_equal(parse_timespan("18446744073710s", &v), -ERANGE);
        assert_int_equal(parse_timespan("18446744073709551615us 1us", &v), -ERANGE);
        assert_true(v == 99);
}

static void test_port(void **state) {
        uint16_t v = 0;

        assert_true(parse_port("1", &v) == 0 && v == 1);
        assert_true(parse_port("65535", &v) == 0 && v == 65535);
        assert_int_equal(parse_port("0", &v), -ERANGE);
        assert_int_equal(parse_port("65536", &v), -ERANGE);
        assert_int_equal(parse_port("https", &v), -EINVAL);
        assert_int_equal(v, 65535);
}

static void test_hex(void **state) {
        char text[9] = "xxxxxxxx";

        hex_encode((const uint8_t *) "\x00\x9f\xa0\xff", 4, text);
        assert_string_equal(text, "009fa0ff");
        hex_encode(NULL, 0, text);
        assert_string_equal(text, "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_uint),     cmocka_unit_test(test_uint_refuses),     cmocka_unit_test(test_bool), cmocka_unit_test(test_size),
                cmocka_unit_test(test_timespan), cmocka_unit_test(test_timespan_refuses), cmocka_unit_test(test_port), cmocka_unit_test(test_hex),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
