/* SPDX-License-Identifier: Apache-2.0 */

#include "common/span.h"
#include "tests/unit/lib/unit.h"

static void test_equal(void **state) {
        assert_true(span_equal(SPAN_LITERAL("abc"), SPAN_LITERAL("abc")));
        assert_true(span_equal((Span) {}, SPAN_LITERAL("")));
        assert_false(span_equal(SPAN_LITERAL("abc"), SPAN_LITERAL("abd")));
        assert_false(span_equal(SPAN_LITERAL("abc"), SPAN_LITERAL("xbc")));
        assert_false(span_equal(SPAN_LITERAL("abc"), SPAN_LITERAL("ab")));
        assert_true(span_equal(SPAN_LITERAL("a\0b"), SPAN_LITERAL("a\0b")));
        assert_false(span_equal(SPAN_LITERAL("a\0b"), SPAN_LITERAL("a\0c")));
}

static void test_is(void **state) {
        assert_true(span_is(SPAN_LITERAL("abc"), "abc"));
        assert_true(span_is((Span) {}, ""));
        assert_false(span_is(SPAN_LITERAL("abc"), "abcd"));
        assert_false(span_is(SPAN_LITERAL("abc\0"), "abc"));
        assert_false(span_is(SPAN_LITERAL("Abc"), "abc"));
}

static void test_is_nocase(void **state) {
        assert_true(span_is_nocase(SPAN_LITERAL("HoSt"), "host"));
        assert_true(span_is_nocase((Span) {}, ""));
        assert_false(span_is_nocase(SPAN_LITERAL("hos"), "host"));
        assert_false(span_is_nocase(SPAN_LITERAL("hosts"), "host"));
        assert_false(span_is_nocase(SPAN_LITERAL("h\0st"), "hxst"));
        assert_false(span_is_nocase(SPAN_LITERAL("h@st"), "h`st"));
}

static void test_to_string(void **state) {
        _cleanup_free_ char *s = NULL, *empty = NULL, *none = NULL;

        assert_int_equal(span_to_string(SPAN_LITERAL("abc"), &s), 0);
        assert_string_equal(s, "abc");
        assert_int_equal(span_to_string((Span) {}, &empty), 0);
        assert_string_equal(empty, "");
        assert_int_equal(span_to_string(SPAN_LITERAL("a\0b"), &none), -EINVAL);
        assert_null(none);
}

static void test_copy_text(void **state) {
        char text[4] = "xxx";

        (void) state;
        span_copy_text((Span) {}, text, sizeof(text));
        assert_string_equal(text, "");
        span_copy_text(span_from_string("abc"), text, sizeof(text));
        assert_string_equal(text, "abc");
        span_copy_text(span_from_string("efghi"), text, sizeof(text));
        assert_string_equal(text, "efg");
        span_copy_text(span_from_string("z"), text, 1);
        assert_string_equal(text, "");
}

static void test_from_string(void **state) {
        assert_int_equal(span_from_string(NULL).size, 0);
        assert_int_equal(span_from_string("abc").size, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_equal),     cmocka_unit_test(test_is),        cmocka_unit_test(test_is_nocase),
                cmocka_unit_test(test_to_string), cmocka_unit_test(test_copy_text), cmocka_unit_test(test_from_string),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
