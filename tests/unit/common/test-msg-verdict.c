/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-verdict.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField verdict_fields[] = {
        /* as the body has them */
        FIELD_U64("request_id", 1),
        FIELD_TEXT("alias", 1, PROTO_NAME_MAX),
        FIELD_U64("generation", 0),
        FIELD_TEXT("call_id", 0, PROTO_CALL_ID_MAX),
        FIELD_TLS_VERSION("tls_version"),
        FIELD_U16("scheme"),
        FIELD_U64("deadline_usec", 0),
        FIELD_TEXT("destination", 1, ROLE_DESTINATION_MAX),
        FIELD_FIXED("server_spki_sha256", 32),
        FIELD_FIXED("transcript_sha256", 32),
        FIELD_VECTOR("to_sign", 4, 32, PROTO_TRANSCRIPT_MAX),
};

DEFINE_RECODE(MsgVerdict, verdict)

static void test_verdict_codec(void **state) {
        static const Codec c = CODEC(verdict, ROLE_VERDICT);

        codec_check(&c);
}

#define DIGEST_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define DIGEST_B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
#define DIGEST_C "CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC"

static void test_values(void **state) {
        static const char body[] = "\0\0\0\0\0\0\0\x07"
                                   "\0\3crm"
                                   "\0\0\0\0\0\0\0\x09"
                                   "\0\2id"
                                   "\x03\x03"
                                   "\x08\x07"
                                   "\0\0\0\0\0\0\1\0"
                                   "\0\5h:443" DIGEST_A DIGEST_B "\0\0\0\x20" DIGEST_C;
        MsgVerdict m;

        assert_int_equal(msg_verdict_decode(SPAN_LITERAL(body), &m), 0);
        assert_int_equal(m.request_id, 7);
        assert_true(span_is(m.alias, "crm"));
        assert_int_equal(m.generation, 9);
        assert_true(span_is(m.call_id, "id"));
        assert_int_equal(m.tls_version, TLS_VERSION_1_2);
        assert_int_equal(m.scheme, TLS_SCHEME_ED25519);
        assert_int_equal(m.deadline_usec, 256);
        assert_true(span_is(m.destination, "h:443"));
        assert_memory_equal(m.server_spki_sha256, DIGEST_A, 32);
        assert_memory_equal(m.transcript_sha256, DIGEST_B, 32);
        assert_true(span_is(m.to_sign, DIGEST_C));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_verdict_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
