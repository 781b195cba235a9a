/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-resolve.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField lookup_fields[] = {
        /* as the body has them */
        FIELD_U64("id", 1),
        FIELD_U8("kind", RESOLVE_HOST, RESOLVE_UNIT),
        FIELD_U64("deadline_usec", 0),
        FIELD_TEXT("name", 1, RESOLVE_NAME_MAX),
};

DEFINE_RECODE(MsgLookup, lookup)

/* RESOLVE_KEYD has no name, so no field can say both. */
static int recode_named(Span body, Buf *record) {
        if (body.size > 8 && body.data[8] == RESOLVE_KEYD)
                return WIRE_E_MALFORMED;
        return recode_lookup(body, record);
}

static void test_lookup_codec(void **state) {
        Codec c = CODEC(lookup, RESOLVE_LOOKUP);

        c.recode = recode_named;
        codec_check(&c);
}

static void test_lookup_values(void **state) {
        MsgLookup m;

        assert_int_equal(msg_lookup_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\7\2\0\0\0\0\0\0\1\0\0\4root"), &m), 0);
        assert_int_equal(m.id, 7);
        assert_int_equal(m.kind, RESOLVE_USER);
        assert_int_equal(m.deadline_usec, 256);
        assert_true(span_is(m.name, "root"));

        assert_int_equal(msg_lookup_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\7\5\0\0\0\0\0\0\1\0\0\0"), &m), 0);
        assert_int_equal(m.kind, RESOLVE_KEYD);
        assert_int_equal(msg_lookup_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\7\5\0\0\0\0\0\0\1\0\0\1x"), &m), WIRE_E_MALFORMED);
        assert_int_equal(msg_lookup_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\7\1\0\0\0\0\0\0\1\0\0\0"), &m), WIRE_E_MALFORMED);
}

#define ID "\0\0\0\0\0\0\0\1"
#define HEAD ID "\0\0\2ok\0\0\0\x05"

static void test_answer_values(void **state) {
        MsgAnswer m;

        assert_int_equal(msg_answer_decode(SPAN_LITERAL(HEAD "\2\4\x7f\0\0\1\6fedcba9876543210"), &m), 0);
        assert_int_equal(m.result, RESOLVE_OK);
        assert_true(span_is(m.text, "ok"));
        assert_int_equal(m.number, 5);
        assert_int_equal(m.n_addresses, 2);
        assert_false(m.addresses[0].is_ipv6);
        assert_memory_equal(m.addresses[0].bytes, "\x7f\0\0\1", 4);
        assert_true(m.addresses[1].is_ipv6);
        assert_memory_equal(m.addresses[1].bytes, "fedcba9876543210", 16);
}

static void test_answer_is_exact(void **state) {
        static const Span bad[] = {
                SPAN_LITERAL("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), /* no id */
                SPAN_LITERAL(ID "\5\0\0\0\0\0\0\0"),              /* no such result */
                SPAN_LITERAL(HEAD "\1\5\x7f\0\0\1"),              /* neither family */
                SPAN_LITERAL(HEAD "\1\4\x7f\0\0"),
                SPAN_LITERAL(HEAD "\1\6\x7f\0\0\1"),
                SPAN_LITERAL(HEAD "\0\4"),
                SPAN_LITERAL(HEAD),
                SPAN_LITERAL(ID "\0\0\1\n\0\0\0\0\0"),
        };
        MsgAnswer m;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                _cleanup_free_ uint8_t *block = codec_block(bad[i]);

                assert_int_equal(msg_answer_decode(span_make(block, bad[i].size), &m), WIRE_E_MALFORMED);
        }
}

/* As many addresses as there is room for, and one more. */
static void test_answer_is_bounded(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RESOLVE_RECORD_MAX);
        MsgAnswer m = {.id = 1, .n_addresses = RESOLVE_ADDRESSES_MAX}, got;
        char text[RESOLVE_TEXT_MAX + 1] = {};

        for (size_t i = 0; i < RESOLVE_ADDRESSES_MAX; i++)
                m.addresses[i] = (ResolveAddress) {.is_ipv6 = true, .bytes = {(uint8_t) i}};
        memset(text, 'x', RESOLVE_TEXT_MAX);
        m.text = span_from_string(text);
        assert_int_equal(msg_answer_encode(&record, &m), 0);
        assert_int_equal(msg_answer_decode(span_make(record.data + 1, record.size - 1), &got), 0);
        assert_int_equal(got.n_addresses, RESOLVE_ADDRESSES_MAX);
        assert_memory_equal(got.addresses, m.addresses, sizeof(m.addresses));

        /* the count stands before 17 bytes for each */
        record.data[record.size - 1 - RESOLVE_ADDRESSES_MAX * 17]++;
        assert_int_equal(buf_append(&record, "\4abcd", 5), 0);
        assert_int_equal(msg_answer_decode(span_make(record.data + 1, record.size - 1), &got), WIRE_E_MALFORMED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_lookup_codec),    cmocka_unit_test(test_lookup_values),     cmocka_unit_test(test_answer_values),
                cmocka_unit_test(test_answer_is_exact), cmocka_unit_test(test_answer_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
