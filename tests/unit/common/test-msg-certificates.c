/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-certificates.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField certificates_fields[] = {
        /* as the body has them */
        FIELD_FIXED("set_id", PROTO_SET_ID_SIZE),
        FIELD_BOOL("last"),
        FIELD_VECTOR("certificates", 4, 0, PROTO_RECORD_MAX),
};

DEFINE_RECODE(MsgCertificates, certificates)

static void test_certificates_codec(void **state) {
        static const Codec c = CODEC(certificates, MSG_CERTIFICATES);

        codec_check(&c);
}

static void test_next(void **state) {
        Span rest = SPAN_LITERAL("\0\0\2ab\0\0\1c"), der = {};

        assert_true(msg_certificates_next(&rest, &der));
        assert_true(span_is(der, "ab"));
        assert_true(msg_certificates_next(&rest, &der));
        assert_true(span_is(der, "c"));
        assert_false(msg_certificates_next(&rest, &der));
        assert_int_equal(rest.size, 0);
}

/* False with something left says malformed. */
static void check_malformed(Span bytes) {
        _cleanup_free_ uint8_t *block = codec_block(bytes);
        Span rest = span_make(block, bytes.size), der;

        assert_false(msg_certificates_next(&rest, &der));
        assert_int_equal(rest.size, bytes.size);
}

static void test_next_malformed(void **state) {
        check_malformed(SPAN_LITERAL("\0"));
        check_malformed(SPAN_LITERAL("\0\0\2a"));
        check_malformed(SPAN_LITERAL("\0\0\0"));
        check_malformed(SPAN_LITERAL("\xff\xff\xff"
                                     "abc"));
}

static void test_next_largest(void **state) {
        _cleanup_free_ uint8_t *block = calloc(1, 3 + PROTO_CERTIFICATE_MAX + 1);
        Span rest = span_make(block, 3 + PROTO_CERTIFICATE_MAX), der;

        block[0] = 1;
        assert_true(msg_certificates_next(&rest, &der));
        assert_int_equal(der.size, PROTO_CERTIFICATE_MAX);

        block[2] = 1;
        rest = span_make(block, 3 + PROTO_CERTIFICATE_MAX + 1);
        assert_false(msg_certificates_next(&rest, &der));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_certificates_codec),
                cmocka_unit_test(test_next),
                cmocka_unit_test(test_next_malformed),
                cmocka_unit_test(test_next_largest),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
