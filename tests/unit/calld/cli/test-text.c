/* SPDX-License-Identifier: Apache-2.0 */

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/text.h"

static void check_escape(const char *s, const char *expected) {
        /* In a block of its own size. */
        _cleanup_free_ char *input = strdup(s), *escaped = text_escape(input);

        assert_non_null(escaped);
        assert_string_equal(escaped, expected);
}

static void test_escape(void **state _unused_) {
        check_escape("", "");
        check_escape("plain text", "plain text");
        check_escape("a\nb\tc\rd", "a\\nb\\tc\\x0dd");
        check_escape("\x1b[31mred\x7f", "\\x1b[31mred\\x7f");
        check_escape("gr\xc3\xbc\xc3\x9f"
                     "e",
                     "gr\xc3\xbc\xc3\x9f"
                     "e");
        /* broken, cut off, overlong UTF-8 */
        check_escape("\xc3", "\\xc3");
        check_escape("a\xff"
                     "b",
                     "a\\xff"
                     "b");
        check_escape("\xc0\xaf", "\\xc0\\xaf");
        check_escape("\xe2\x82", "\\xe2\\x82");
        /* C1 controls; the right-to-left override, zero width, the byte order mark */
        check_escape("\xc2\x9b"
                     "31m",
                     "\\xc2\\x9b"
                     "31m");
        check_escape("a\xe2\x80\xae"
                     "b",
                     "a\\xe2\\x80\\xae"
                     "b");
        check_escape("a\xe2\x80\x8b", "a\\xe2\\x80\\x8b");
        check_escape("\xef\xbb\xbf", "\\xef\\xbb\\xbf");
}

static void test_width(void **state _unused_) {
        assert_int_equal(text_width(""), 0);
        assert_int_equal(text_width("abc"), 3);
        assert_int_equal(text_width("gr\xc3\xbcn"), 4);
        assert_int_equal(text_width("\xe6\xbc\xa2\xe5\xad\x97"), 4);
        assert_int_equal(text_width("\xff"), 1);
}

static void check_ellipsize(const char *s, size_t width, const char *expected) {
        _cleanup_free_ char *text = strdup(s);

        text_ellipsize(text, width);
        assert_string_equal(text, expected);
        assert_true(text_width(text) <= MAX_OF(width, 1U));
}

static void test_ellipsize(void **state _unused_) {
        check_ellipsize("abcdef", 6, "abcdef");
        check_ellipsize("abcdefgh", 5, "abcd\xe2\x80\xa6");
        check_ellipsize("abcdef", 5, "abc\xe2\x80\xa6");
        check_ellipsize("abcdef", 1, "\xe2\x80\xa6");
        /* Not enough bytes for the mark: a shorter one. */
        check_ellipsize("ab", 1, "~");
        check_ellipsize("\xe6\xbc\xa2\xe5\xad\x97\xe6\xbc\xa2", 4, "\xe6\xbc\xa2\xe2\x80\xa6");
}

static void check_span(uint64_t usec, const char *expected) {
        char text[32];

        text_format_span(usec, text);
        assert_string_equal(text, expected);
}

static void test_span(void **state _unused_) {
        check_span(0, "0");
        check_span(7, "7us");
        check_span(90 * USEC_PER_MSEC, "90ms");
        check_span(10 * USEC_PER_SEC, "10s");
        check_span(175 * USEC_PER_SEC, "2min 55s");
        check_span(3 * 1440 * USEC_PER_MINUTE + 4 * 60 * USEC_PER_MINUTE, "3d 4h");
        check_span(UINT64_MAX, "213503982d 8h");
}

static void test_expiry(void **state _unused_) {
        char text[64];
        time_t t;

        assert_int_equal(text_parse_time("1970-01-02T00:00:00Z", &t), 0);
        assert_int_equal(t, 86400);
        assert_int_equal(text_parse_time("1970-01-02T00:00:00", &t), -EINVAL);
        assert_int_equal(text_parse_time("soon", &t), -EINVAL);
        assert_int_equal(text_parse_time(NULL, &t), -EINVAL);

        text_format_expiry("1970-01-13T00:00:00Z", 0, text);
        assert_string_equal(text, "in 12 days (1970-01-13)");
        text_format_expiry("1970-01-01T00:00:00Z", 3 * 3600, text);
        assert_string_equal(text, "3 hours ago (1970-01-01)");
        text_format_expiry("1970-01-01T00:00:01Z", 0, text);
        assert_string_equal(text, "in 1 second (1970-01-01)");
        text_format_expiry(NULL, 0, text);
        assert_string_equal(text, "-");
}

static void check_decode(const char *s, const char *expected) {
        _cleanup_free_ char *text = strdup(s);

        text_percent_decode(text);
        assert_string_equal(text, expected);
}

static void test_percent_decode(void **state _unused_) {
        check_decode("no such incident: 7%25", "no such incident: 7%");
        check_decode("%41%c3%BC", "A\xc3\xbc");
        /* What is not %XX stays, and so does a NUL. */
        check_decode("100%", "100%");
        check_decode("%4", "%4");
        check_decode("%zz%4g", "%zz%4g");
        check_decode("a%00b", "a%00b");
}

/* Where the terminal knows ASCII only, nothing else reaches it. */
static void test_ascii_locale(void **state _unused_) {
        assert_non_null(setlocale(LC_CTYPE, "C"));
        check_escape("gr\xc3\xbcn", "gr\\xc3\\xbcn");
        check_ellipsize("abcdef", 5, "abcd~");
        assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_escape),       cmocka_unit_test(test_width),  cmocka_unit_test(test_ellipsize),
                cmocka_unit_test(test_span),         cmocka_unit_test(test_expiry), cmocka_unit_test(test_percent_decode),
                cmocka_unit_test(test_ascii_locale),
        };

        if (!setlocale(LC_CTYPE, "C.UTF-8"))
                return 77; /* skipped: the host has no such locale */
        return cmocka_run_group_tests(tests, NULL, NULL);
}
