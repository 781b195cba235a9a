/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-snapshot.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField snapshot_fields[] = {
        /* as the body has them */
        FIELD_U64("revision", 0),
        FIELD_TEXT("mid_name", 0, PROTO_TEXT_MAX),
        FIELD_U32("max_calls"),
        FIELD_U32("max_calls_per_user"),
        FIELD_U32("max_header_bytes"),
        FIELD_U64("header_timeout_usec", 0),
        FIELD_U64("idle_timeout_usec", 0),
        FIELD_U64("idle_exit_usec", 0),
        FIELD_TEXT("tcp_token", 0, PROTO_TEXT_MAX),
        FIELD_BOOL("report_only"),
        FIELD_BOOL("best_effort"),
};

DEFINE_RECODE(MsgSnapshot, snapshot)

static void test_snapshot_codec(void **state) {
        static const Codec c = CODEC(snapshot, MSG_SNAPSHOT);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgSnapshot m;

        assert_int_equal(
                msg_snapshot_decode(
                        SPAN_LITERAL("\0\0\0\0\0\0\0\1\0\3mid\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\0\0\0\0\0\0\0\7\0\2tk\1\1"),
                        &m),
                0);
        assert_int_equal(m.revision, 1);
        assert_true(span_is(m.mid_name, "mid"));
        assert_int_equal(m.max_calls, 2);
        assert_int_equal(m.max_calls_per_user, 3);
        assert_int_equal(m.max_header_bytes, 4);
        assert_int_equal(m.header_timeout_usec, 5);
        assert_int_equal(m.idle_timeout_usec, 6);
        assert_int_equal(m.idle_exit_usec, 7);
        assert_true(span_is(m.tcp_token, "tk"));
        assert_true(m.report_only);
        assert_true(m.best_effort);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_snapshot_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
