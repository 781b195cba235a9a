/* SPDX-License-Identifier: Apache-2.0 */

/* JKS: its key protector, and what it may protect */

#include "tests/unit/keyd/loader/java/java-check.h"
#include "tests/unit/keyd/loader/java/java-writer.h"

#define MAGIC 0xfeedfeedU
#define PASSWORD "changeit"

static Fixture fixture;
static Buf utf16 = BUF_INIT(256), protected = BUF_INIT(4096);

static int setup(void **state _unused_) {
        fixture_init(&fixture);
        utf16_from_ascii(PASSWORD, &utf16);
        jks_protect(buf_span(&utf16), buf_span(&fixture.pkcs8), &protected);
        return 0;
}

static int teardown(void **state _unused_) {
        fixture_done(&fixture);
        buf_done(&utf16);
        buf_done(&protected);
        return 0;
}

/* Opens a store with the one key @content and returns what recovering it gives. */
static Verdict recover(const Buf *content) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_private_key(&j, span_from_string("x"), buf_span(content), 0, (Span) {});
        java_writer_digest(&j, buf_span(&utf16));
        assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);

        return check_recover(&k, 0, PASSWORD, NULL);
}

static void test_protected_sizes(void **state _unused_) {
        static const uint8_t zeroes[60];

        for (size_t n = 0; n <= sizeof(zeroes); n++) {
                Buf content = BUF_INIT(4096);

                protect_raw("1.3.6.1.4.1.42.2.17.1.1", SPAN_LITERAL("\x05\x00"), span_make(zeroes, n), &content);
                assert_int_equal(recover(&content), n < 40 ? VERDICT_FORMAT : VERDICT_KEYPASS);
                buf_done(&content);
        }
}

static void test_protected_content(void **state _unused_) {
        Buf plain = BUF_INIT(4096), content = BUF_INIT(4096);

        /* a byte behind the PrivateKeyInfo */
        assert_int_equal(buf_append(&plain, fixture.pkcs8.data, fixture.pkcs8.size), 0);
        assert_int_equal(buf_append(&plain, "", 1), 0);
        jks_protect(buf_span(&utf16), buf_span(&plain), &content);
        assert_int_equal(recover(&content), VERDICT_FORMAT);

        /* a byte behind the EncryptedPrivateKeyInfo */
        buf_clear(&content);
        assert_int_equal(buf_append(&content, protected.data, protected.size), 0);
        assert_int_equal(recover(&content), VERDICT_OK);
        assert_int_equal(buf_append(&content, "", 1), 0);
        assert_int_equal(recover(&content), VERDICT_FORMAT);

        /* no DER, no PrivateKeyInfo, another protector */
        buf_clear(&content);
        assert_int_equal(recover(&content), VERDICT_FORMAT);
        jks_protect(buf_span(&utf16), SPAN_LITERAL("plain"), &content);
        assert_int_equal(recover(&content), VERDICT_FORMAT);
        buf_clear(&content);
        protect_raw("1.2.840.113549.1.5.13", (Span) {}, SPAN_LITERAL("0123456789012345678901234567890123456789"), &content);
        assert_int_equal(recover(&content), VERDICT_UNSUPPORTED);

        /* an algorithm that OpenSSL does not know (1.2.3), and P-256 with a value that is no key */
        buf_clear(&content);
        jks_protect(buf_span(&utf16), SPAN_LITERAL("\x30\x0d\x02\x01\x00\x30\x04\x06\x02\x2a\x03\x04\x02\x01\x02"), &content);
        assert_int_equal(recover(&content), VERDICT_UNSUPPORTED);
        buf_clear(&content);
        jks_protect(
                buf_span(&utf16),
                SPAN_LITERAL(
                        "\x30\x1c\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x04\x02\x01\x02"),
                &content);
        assert_int_equal(recover(&content), VERDICT_FORMAT);

        buf_done(&plain);
        buf_done(&content);
}

static void test_other_key_password(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        Buf other_utf16 = BUF_INIT(256), other = BUF_INIT(4096);
        LoadFailure f;

        utf16_from_ascii("another", &other_utf16);
        jks_protect(buf_span(&other_utf16), buf_span(&fixture.pkcs8), &other);
        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_private_key(&j, span_from_string("x"), buf_span(&other), 1, buf_span(&fixture.certificate));
        java_writer_digest(&j, buf_span(&utf16));
        assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);
        assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_KEYPASS);
        assert_int_equal(check_recover(&k, 0, "another", NULL), VERDICT_OK);
        buf_done(&other);
        buf_done(&other_utf16);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_protected_sizes),
                cmocka_unit_test(test_protected_content),
                cmocka_unit_test(test_other_key_password),
        };

        return cmocka_run_group_tests_name("jks-protector", tests, setup, teardown);
}
