/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-hello.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField hello_fields[] = {
        FIELD_U16("version"),
};

static int recode_hello(Span body, Buf *record) {
        MsgHello m;
        int r = msg_hello_decode(body, &m);

        return r != 0 ? r : msg_hello_encode(record, MSG_HELLO, &m);
}

static int recode_bye(Span body, Buf *record) {
        int r = msg_empty_decode(body);

        return r != 0 ? r : msg_empty_encode(record, MSG_BYE);
}

static void test_hello_codec(void **state) {
        static const Codec c = CODEC(hello, MSG_HELLO);

        codec_check(&c);
}

static void test_empty_codec(void **state) {
        static const Codec c = {.name = "bye", .type = MSG_BYE, .recode = recode_bye};

        codec_check(&c);
}

static void test_welcome(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        assert_int_equal(msg_hello_encode(&record, MSG_WELCOME, &(MsgHello) {.version = 0x0102}), 0);
        assert_true(span_equal(buf_span(&record), SPAN_LITERAL("\x81\1\2")));
}

static void test_split(void **state) {
        uint8_t type;
        Span body;

        assert_int_equal(msg_split(SPAN_LITERAL("\x03xy"), &type, &body), 0);
        assert_int_equal(type, MSG_SIGN);
        assert_true(span_is(body, "xy"));
        assert_int_equal(msg_split(SPAN_LITERAL("\x04"), &type, &body), 0);
        assert_int_equal(body.size, 0);
        assert_int_equal(msg_split((Span) {}, &type, &body), WIRE_E_MALFORMED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hello_codec),
                cmocka_unit_test(test_empty_codec),
                cmocka_unit_test(test_welcome),
                cmocka_unit_test(test_split),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
