/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/record-list.h"

static void test_order(void **state _unused_) {
        _cleanup_(record_list_unrefp) RecordList *l = NULL;
        char text[16];

        assert_int_equal(record_list_new(1000, 100000, &l), 0);
        for (int i = 0; i < 500; i++) {
                snprintf(text, sizeof(text), "%d", i);
                assert_int_equal(record_list_add(l, span_from_string(text)), 0);
        }
        assert_int_equal(record_list_count(l), 500);
        assert_true(span_is(record_list_get(l, 0), "0"));
        assert_true(span_is(record_list_get(l, 499), "499"));
        assert_int_equal(record_list_count(NULL), 0);
}

static void test_bounds(void **state _unused_) {
        _cleanup_(record_list_unrefp) RecordList *l = NULL;

        assert_int_equal(record_list_new(3, 10, &l), 0);
        assert_int_equal(record_list_add(l, SPAN_LITERAL("12345")), 0);
        assert_int_equal(record_list_add(l, SPAN_LITERAL("123456")), -E2BIG);
        assert_int_equal(record_list_add(l, SPAN_LITERAL("12345")), 0);
        assert_int_equal(record_list_add(l, SPAN_LITERAL("1")), -E2BIG);
        assert_int_equal(record_list_add(l, (Span) {}), 0);
        assert_int_equal(record_list_add(l, (Span) {}), -E2BIG);
        assert_int_equal(record_list_count(l), 3);
}

static void test_references(void **state _unused_) {
        RecordList *l, *second;

        assert_int_equal(record_list_new(1, 10, &l), 0);
        second = record_list_ref(l);
        assert_int_equal(record_list_add(l, SPAN_LITERAL("x")), 0);
        assert_null(record_list_unref(l));
        assert_true(span_is(record_list_get(second, 0), "x"));
        assert_null(record_list_unref(second));
        assert_null(record_list_unref(NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_bounds), cmocka_unit_test(test_references)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
