/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-grant.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField keys_begin_fields[] = {
        /* as the body has them */
        FIELD_U64("batch", 0),
};

DEFINE_RECODE(MsgKeysBegin, keys_begin)

static void test_keys_begin_codec(void **state) {
        static const Codec c = CODEC(keys_begin, ROLE_KEYS_BEGIN);

        codec_check(&c);
}

static const CodecField grant_fields[] = {
        /* as the body has them */
        FIELD_TEXT("profile", 1, PROTO_NAME_MAX), FIELD_U64("generation", 0), FIELD_U32("max_signatures_per_minute"),
        FIELD_TLS_VERSION("minimum_tls"),         FIELD_PINS("pins"),
};

DEFINE_RECODE(MsgGrant, grant)

static void test_grant_codec(void **state) {
        static const Codec c = CODEC(grant, ROLE_GRANT);

        codec_check(&c);
}

static const CodecField binding_fields[] = {
        /* as the body has them */
        FIELD_TEXT("alias", 1, PROTO_NAME_MAX),
        FIELD_TEXT("profile", 1, PROTO_NAME_MAX),
        FIELD_TEXT("destination", 1, ROLE_DESTINATION_MAX),
};

DEFINE_RECODE(MsgBinding, binding)

static void test_binding_codec(void **state) {
        static const Codec c = CODEC(binding, ROLE_BINDING);

        codec_check(&c);
}

static const CodecField keys_taken_fields[] = {
        /* as the body has them */
        FIELD_U64("batch", 0),
        FIELD_U32("n_missing"),
};

DEFINE_RECODE(MsgKeysTaken, keys_taken)

static void test_keys_taken_codec(void **state) {
        static const Codec c = CODEC(keys_taken, ROLE_KEYS_TAKEN);

        codec_check(&c);
}

static void test_values(void **state) {
        MsgGrant g;
        MsgBinding b;

        assert_int_equal(msg_grant_decode(SPAN_LITERAL("\0\4bank\0\0\0\0\0\0\1\0\0\0\0\x0a\3\4\0\0"), &g), 0);
        assert_true(span_is(g.profile, "bank"));
        assert_int_equal(g.generation, 256);
        assert_int_equal(g.max_signatures_per_minute, 10);
        assert_int_equal(g.minimum_tls, TLS_VERSION_1_3);
        assert_int_equal(g.pins.n_items, 0);

        assert_int_equal(msg_binding_decode(SPAN_LITERAL("\0\3crm\0\4bank\0\5h:443"), &b), 0);
        assert_true(span_is(b.alias, "crm"));
        assert_true(span_is(b.profile, "bank"));
        assert_true(span_is(b.destination, "h:443"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_keys_begin_codec), cmocka_unit_test(test_grant_codec), cmocka_unit_test(test_binding_codec),
                cmocka_unit_test(test_keys_taken_codec), cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
