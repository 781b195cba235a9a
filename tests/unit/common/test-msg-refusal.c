/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-refusal.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField refusal_fields[] = {
        /* as the body has them */
        FIELD_U64("request_id", 0),
        FIELD_U8("code", 0, _REFUSAL_MAX - 1),
        FIELD_TEXT("sentence", 0, PROTO_TEXT_MAX),
};

DEFINE_RECODE(MsgRefusal, refusal)

static void test_refusal_codec(void **state) {
        static const Codec c = CODEC(refusal, MSG_REFUSAL);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgRefusal m;

        assert_int_equal(msg_refusal_decode(SPAN_LITERAL("\0\0\0\0\0\0\1\0\x0c\0\2no"), &m), 0);
        assert_int_equal(m.request_id, 256);
        assert_int_equal(m.code, REFUSAL_SNI);
        assert_true(span_is(m.sentence, "no"));
}

/* Names are words of the audit trail: each has one, all differ. */
static void test_names(void **state) {
        for (unsigned i = 0; i < _REFUSAL_MAX; i++) {
                assert_non_null(refusal_code_to_string(i));
                assert_true(refusal_code_hint(i) && strlen(refusal_code_hint(i)) > 20);
                assert_int_equal(strspn(refusal_code_to_string(i), "abcdefghijklmnopqrstuvwxyz-"), strlen(refusal_code_to_string(i)));
                for (unsigned k = 0; k < i; k++)
                        assert_string_not_equal(refusal_code_to_string(i), refusal_code_to_string(k));
        }
        assert_string_equal(refusal_code_to_string(REFUSAL_RATE_LIMITED), "rate-limited");
        assert_string_equal(refusal_code_to_string(_REFUSAL_MAX), "internal");
        assert_string_equal(refusal_code_to_string(UINT32_MAX), "internal");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_refusal_codec),
                cmocka_unit_test(test_values),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
