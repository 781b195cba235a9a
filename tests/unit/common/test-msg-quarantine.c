/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-quarantine.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField progress_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 0, PROTO_NAME_MAX),
};

DEFINE_RECODE(MsgProgress, progress)

static void test_progress_codec(void **state) {
        static const Codec c = CODEC(progress, ROLE_PROGRESS);

        codec_check(&c);
}

static const CodecField quarantine_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 1, PROTO_NAME_MAX),
        FIELD_BOOL("put_off"),
        FIELD_TEXT("sentence", 0, PROTO_TEXT_MAX),
        FIELD_TEXT("hint", 0, PROTO_TEXT_MAX),
};

DEFINE_RECODE(MsgQuarantine, quarantine)

static void test_quarantine_codec(void **state) {
        static const Codec c = CODEC(quarantine, ROLE_QUARANTINE);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgQuarantine q;
        MsgProgress p;

        assert_int_equal(msg_progress_decode(SPAN_LITERAL("\0\4bank"), &p), 0);
        assert_true(span_is(p.profile, "bank"));
        assert_int_equal(msg_progress_decode(SPAN_LITERAL("\0\0"), &p), 0);
        assert_int_equal(p.profile.size, 0);

        assert_int_equal(msg_quarantine_decode(SPAN_LITERAL("\0\4bank\1\0\3why\0\1h"), &q), 0);
        assert_true(span_is(q.profile, "bank"));
        assert_true(q.put_off);
        assert_true(span_is(q.sentence, "why"));
        assert_true(span_is(q.hint, "h"));
        assert_int_equal(msg_quarantine_decode(SPAN_LITERAL("\0\4bank\2\0\3why\0\1h"), &q), WIRE_E_MALFORMED);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_progress_codec),
                cmocka_unit_test(test_quarantine_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
