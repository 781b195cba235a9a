/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-load.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField load_fields[] = {
        /* as the body has them */
        FIELD_U64("revision", 0),
        FIELD_U64("last_generation", 0),
        FIELD_BOOL("resend_keys"),
        FIELD_BOOL("dry_run"),
};

DEFINE_RECODE(MsgLoad, load)

static void test_load_codec(void **state) {
        static const Codec c = CODEC(load, ROLE_LOAD);

        codec_check(&c);
}

static const CodecField crl_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 1, PROTO_NAME_MAX),
        FIELD_BOOL("last"),
        FIELD_VECTOR("part", 4, 0, PROTO_RECORD_MAX),
};

DEFINE_RECODE(MsgCrl, crl)

static void test_crl_codec(void **state) {
        static const Codec c = CODEC(crl, ROLE_CRL);

        codec_check(&c);
}

static const CodecField ready_fields[] = {
        /* as the body has them */
        FIELD_TEXT("text", 0, PROTO_TEXT_MAX),
};

DEFINE_RECODE(MsgReady, ready)

static void test_ready_codec(void **state) {
        static const Codec c = CODEC(ready, ROLE_READY);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgLoad l;
        MsgCrl c;

        assert_int_equal(msg_load_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\6\1\0"), &l), 0);
        assert_int_equal(l.revision, 5);
        assert_int_equal(l.last_generation, 6);
        assert_true(l.resend_keys);
        assert_false(l.dry_run);

        assert_int_equal(msg_crl_decode(SPAN_LITERAL("\0\4bank\1\0\0\0\2ab"), &c), 0);
        assert_true(span_is(c.profile, "bank"));
        assert_true(c.last);
        assert_true(span_is(c.part, "ab"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_load_codec),
                cmocka_unit_test(test_crl_codec),
                cmocka_unit_test(test_ready_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
