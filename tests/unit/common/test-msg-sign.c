/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-sign.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField sign_fields[] = {
        /* as the body has them */
        FIELD_U64("request_id", 1),       FIELD_TEXT("alias", 1, PROTO_NAME_MAX),
        FIELD_U64("generation", 0),       FIELD_TEXT("call_id", 0, PROTO_CALL_ID_MAX),
        FIELD_TLS_VERSION("tls_version"), FIELD_U16("scheme"),
        FIELD_U64("deadline_usec", 0),    FIELD_VECTOR("transcript", 4, 4, PROTO_TRANSCRIPT_MAX),
};

DEFINE_RECODE(MsgSign, sign)

static void test_sign_codec(void **state) {
        static const Codec c = CODEC(sign, MSG_SIGN);

        codec_check(&c);
}

static const CodecField signature_fields[] = {
        /* as the body has them */
        FIELD_U64("request_id", 0),
        FIELD_VECTOR("signature", 2, 1, PROTO_SIGNATURE_MAX),
        FIELD_U64("busy_usec", 0),
};

DEFINE_RECODE(MsgSignature, signature)

static void test_signature_codec(void **state) {
        static const Codec c = CODEC(signature, MSG_SIGNATURE);

        codec_check(&c);
}

/* Each value in its place: what the generic properties cannot tell. */
static void test_sign_values(void **state) {
        static const uint8_t body[] = "\0\0\0\0\0\0\0\x07"
                                      "\0\3crm"
                                      "\0\0\0\0\0\0\0\x09"
                                      "\0\2id"
                                      "\x03\x04"
                                      "\x08\x07"
                                      "\0\0\0\0\0\0\1\0"
                                      "\0\0\0\4\1\0\0\0";
        MsgSign m;

        assert_int_equal(msg_sign_decode(span_make(body, sizeof(body) - 1), &m), 0);
        assert_int_equal(m.request_id, 7);
        assert_true(span_is(m.alias, "crm"));
        assert_int_equal(m.generation, 9);
        assert_true(span_is(m.call_id, "id"));
        assert_int_equal(m.tls_version, TLS_VERSION_1_3);
        assert_int_equal(m.scheme, TLS_SCHEME_ED25519);
        assert_int_equal(m.deadline_usec, 256);
        assert_int_equal(m.transcript.size, 4);
        assert_int_equal(m.transcript.data[0], 1);
}

/* A decoder that refuses leaves its result alone. */
static void test_sign_refusal_leaves_result(void **state) {
        MsgSign m = {.request_id = 42};

        assert_int_equal(msg_sign_decode(SPAN_LITERAL("\0\0\0\0\0\0\0\x07"), &m), WIRE_E_MALFORMED);
        assert_int_equal(m.request_id, 42);
}

static void test_encode_too_long(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(16);
        MsgSignature m = {.request_id = 1, .signature = SPAN_LITERAL("0123456789")};

        assert_int_equal(msg_signature_encode(&record, &m), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sign_codec),      cmocka_unit_test(test_signature_codec),
                cmocka_unit_test(test_sign_values),     cmocka_unit_test(test_sign_refusal_leaves_result),
                cmocka_unit_test(test_encode_too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
