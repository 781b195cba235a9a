/* SPDX-License-Identifier: Apache-2.0 */

#include "common/wire.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const uint8_t numbers[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};

static void test_numbers(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(18);
        WireReader r;
        WireWriter w;

        wire_reader_init(&r, span_make(numbers, sizeof(numbers)));
        wire_writer_init(&w, &b);
        wire_put_u8(&w, wire_get_u8(&r));
        wire_put_u16(&w, wire_get_u16(&r));
        wire_put_u24(&w, wire_get_u24(&r));
        wire_put_u32(&w, wire_get_u32(&r));
        assert_true(wire_reader_more(&r));
        wire_put_u64(&w, wire_get_u64(&r));
        assert_false(wire_reader_more(&r));

        assert_int_equal(wire_reader_end(&r), 0);
        assert_int_equal(wire_writer_end(&w), 0);
        assert_true(span_equal(buf_span(&b), span_make(numbers, sizeof(numbers))));
}

static void test_values(void **state) {
        WireReader r;

        wire_reader_init(&r, span_make(numbers, sizeof(numbers)));
        assert_int_equal(wire_get_u8(&r), 0x01);
        assert_int_equal(wire_get_u16(&r), 0x0203);
        assert_int_equal(wire_get_u24(&r), 0x040506);
        assert_int_equal(wire_get_u32(&r), 0x0708090a);
        assert_true(wire_get_u64(&r) == UINT64_C(0x0b0c0d0e0f101112));
}

/* After a failure everything is zero, and the end says so; whatever is left. */
static void test_reader_sticks(void **state) {
        _cleanup_free_ uint8_t *block = codec_block(SPAN_LITERAL("\1\2\3"));
        uint8_t bytes[2] = {9, 9};
        WireReader r;

        wire_reader_init(&r, span_make(block, 3));
        assert_int_equal(wire_get_u32(&r), 0);
        assert_true(r.failed);
        assert_int_equal(wire_get_u8(&r), 0);
        assert_int_equal(wire_get_fixed(&r, 1).size, 0);
        assert_int_equal(wire_get_vector(&r, 1, 0, 255).size, 0);
        wire_get_bytes(&r, bytes, sizeof(bytes));
        assert_int_equal(bytes[0] | bytes[1], 0);
        assert_false(wire_reader_more(&r));
        assert_int_equal(wire_reader_end(&r), WIRE_E_MALFORMED);
}

static void test_left_over(void **state) {
        WireReader r;

        wire_reader_init(&r, SPAN_LITERAL("\1\2"));
        wire_get_u8(&r);
        assert_int_equal(wire_reader_end(&r), WIRE_E_MALFORMED);
        wire_get_u8(&r);
        assert_int_equal(wire_reader_end(&r), 0);
}

static void test_check(void **state) {
        WireReader r;

        wire_reader_init(&r, (Span) {});
        wire_reader_check(&r, true);
        assert_int_equal(wire_reader_end(&r), 0);
        wire_reader_check(&r, false);
        wire_reader_check(&r, true);
        assert_int_equal(wire_reader_end(&r), WIRE_E_MALFORMED);
}

static void test_empty_input(void **state) {
        WireReader r;

        wire_reader_init(&r, (Span) {});
        assert_int_equal(wire_get_fixed(&r, 0).size, 0);
        assert_int_equal(wire_reader_end(&r), 0);
        wire_get_u8(&r);
        assert_int_equal(wire_reader_end(&r), WIRE_E_MALFORMED);
}

/* Whether a vector is taken off exactly these bytes. */
static bool vector_taken(Span bytes, size_t length_size, size_t min, size_t max, size_t wanted) {
        _cleanup_free_ uint8_t *block = codec_block(bytes);
        WireReader r;
        Span v;

        wire_reader_init(&r, span_make(block, bytes.size));
        v = wire_get_vector(&r, length_size, min, max);
        if (r.failed)
                return false;
        assert_int_equal(v.size, wanted);
        assert_ptr_equal(v.data, block + length_size);
        return true;
}

static void test_vector(void **state) {
        assert_true(vector_taken(SPAN_LITERAL("\2ab"), 1, 2, 2, 2));
        assert_true(vector_taken(SPAN_LITERAL("\0\2ab"), 2, 1, 3, 2));
        assert_true(vector_taken(SPAN_LITERAL("\0\0\2ab"), 3, 1, 3, 2));
        assert_true(vector_taken(SPAN_LITERAL("\0\0\0\0"), 4, 0, 3, 0));
        assert_false(vector_taken(SPAN_LITERAL("\2ab"), 1, 3, 9, 2));
        assert_false(vector_taken(SPAN_LITERAL("\2ab"), 1, 0, 1, 2));
        assert_false(vector_taken(SPAN_LITERAL("\3ab"), 1, 0, 9, 2));
        assert_false(vector_taken(SPAN_LITERAL("\0"), 2, 0, 9, 0));
        assert_false(vector_taken(SPAN_LITERAL("\xff\xff\xff\xff"
                                               "abc"),
                                  4, 0, SIZE_MAX, 0));
}

static bool text_taken(Span bytes) {
        _cleanup_free_ uint8_t *block = codec_block(bytes);
        WireReader r;

        wire_reader_init(&r, span_make(block, bytes.size));
        wire_get_text(&r, 0, 4);
        return wire_reader_end(&r) == 0;
}

static void test_text(void **state) {
        assert_true(text_taken(SPAN_LITERAL("\0\0")));
        assert_true(text_taken(SPAN_LITERAL("\0\4a\tb ")));
        assert_true(text_taken(SPAN_LITERAL("\0\2\xc3\xa9")));
        assert_false(text_taken(SPAN_LITERAL("\0\5abcde")));
        assert_false(text_taken(SPAN_LITERAL("\0\1\0")));
        assert_false(text_taken(SPAN_LITERAL("\0\1\n")));
        assert_false(text_taken(SPAN_LITERAL("\0\1\x1f")));
        assert_false(text_taken(SPAN_LITERAL("\0\1\x7f")));
}

static void test_writer_sticks(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(3);
        WireWriter w;

        wire_writer_init(&w, &b);
        wire_put_u16(&w, 1);
        wire_put_u16(&w, 2);
        wire_put_u8(&w, 3);
        wire_put_bytes(&w, "x", 1);
        assert_int_equal(wire_writer_end(&w), -EMSGSIZE);
        assert_int_equal(b.size, 2);
}

static void test_writer_lengths(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100000), small = BUF_INIT(1000);
        _cleanup_free_ uint8_t *block = calloc(1, 65536);
        WireWriter w;

        wire_writer_init(&w, &b);
        wire_put_vector(&w, 1, span_make(block, 255));
        wire_put_text(&w, span_make(block, 65535));
        assert_int_equal(wire_writer_end(&w), 0);
        assert_int_equal(b.size, 256 + 65537);

        wire_put_text(&w, span_make(block, 65536));
        assert_int_equal(wire_writer_end(&w), -EMSGSIZE);

        wire_writer_init(&w, &small);
        wire_put_vector(&w, 1, span_make(block, 256));
        assert_int_equal(wire_writer_end(&w), -EMSGSIZE);
        assert_int_equal(small.size, 0);
}

/* A number that its field cannot hold is never cut. */
static void test_writer_u24(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);
        WireWriter w;

        wire_writer_init(&w, &b);
        wire_put_u24(&w, 0xffffff);
        assert_int_equal(wire_writer_end(&w), 0);
        wire_put_u24(&w, 0x1000000);
        assert_int_equal(wire_writer_end(&w), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_numbers),        cmocka_unit_test(test_values),     cmocka_unit_test(test_reader_sticks),
                cmocka_unit_test(test_left_over),      cmocka_unit_test(test_check),      cmocka_unit_test(test_empty_input),
                cmocka_unit_test(test_vector),         cmocka_unit_test(test_text),       cmocka_unit_test(test_writer_sticks),
                cmocka_unit_test(test_writer_lengths), cmocka_unit_test(test_writer_u24),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
