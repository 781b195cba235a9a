/* SPDX-License-Identifier: Apache-2.0 */

#include "common/buf.h"
#include "tests/unit/lib/unit.h"

static void test_append(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(buf_append(&b, "abc", 3), 0);
        assert_int_equal(buf_append(&b, NULL, 0), 0);
        assert_int_equal(buf_append(&b, "defghij", 7), 0);
        assert_true(span_is(buf_span(&b), "abcdefghij"));
}

static void test_maximum(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(10);
        uint8_t *p = NULL;

        assert_int_equal(buf_append(&b, "abcdefghijk", 11), -EMSGSIZE);
        assert_int_equal(b.size, 0);
        assert_int_equal(buf_append(&b, "abcdefghij", 10), 0);
        assert_int_equal(buf_append(&b, "k", 1), -EMSGSIZE);
        assert_int_equal(buf_extend(&b, 1, &p), -EMSGSIZE);
        assert_int_equal(buf_extend(&b, SIZE_MAX, &p), -EMSGSIZE);
        assert_int_equal(buf_printf(&b, "k"), -EMSGSIZE);
        assert_null(p);
        assert_true(span_is(buf_span(&b), "abcdefghij"));
}

/* No maximum was named: nothing fits. */
static void test_no_maximum(void **state) {
        _cleanup_(buf_done) Buf b = {};

        assert_int_equal(buf_append(&b, "a", 1), -EMSGSIZE);
}

static void test_extend_nothing(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(10);
        uint8_t *p;

        assert_int_equal(buf_extend(&b, 0, &p), 0);
        assert_int_equal(b.size, 0);
}

static void test_growth(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100000);

        for (unsigned i = 0; i < 100000; i++) {
                uint8_t byte = (uint8_t) (i * 7);

                assert_int_equal(buf_append(&b, &byte, 1), 0);
        }
        for (unsigned i = 0; i < 100000; i++)
                assert_int_equal(b.data[i], (uint8_t) (i * 7));
        assert_true(b.allocated <= b.max);
        assert_int_equal(buf_append(&b, "x", 1), -EMSGSIZE);
}

static void test_printf(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);

        assert_int_equal(buf_printf(&b, "%d-%s", 7, "x"), 0);
        assert_int_equal(buf_printf(&b, "!"), 0);
        assert_true(span_is(buf_span(&b), "7-x!"));
}

static void test_consume(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);

        buf_consume(&b, 0);
        assert_int_equal(buf_append(&b, "abcdef", 6), 0);
        buf_consume(&b, 2);
        assert_true(span_is(buf_span(&b), "cdef"));
        buf_consume(&b, 4);
        assert_int_equal(b.size, 0);
}

static void test_clear_and_move(void **state) {
        _cleanup_(buf_done) Buf a = BUF_INIT(100), b = {};

        assert_int_equal(buf_append(&a, "abc", 3), 0);
        buf_move(&b, &a);
        assert_null(a.data);
        assert_int_equal(a.size + a.allocated, 0);
        assert_true(span_is(buf_span(&b), "abc"));
        assert_int_equal(b.max, 100);
        buf_clear(&b);
        assert_int_equal(b.size, 0);
        assert_non_null(b.data);
        buf_done(NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_append),         cmocka_unit_test(test_maximum),        cmocka_unit_test(test_no_maximum),
                cmocka_unit_test(test_extend_nothing), cmocka_unit_test(test_growth),         cmocka_unit_test(test_printf),
                cmocka_unit_test(test_consume),        cmocka_unit_test(test_clear_and_move),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
