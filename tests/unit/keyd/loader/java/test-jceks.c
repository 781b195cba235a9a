/* SPDX-License-Identifier: Apache-2.0 */

/* JCEKS: its key protector, its secret keys, and hosts that lack the old algorithms */

#include "tests/unit/keyd/loader/java/java-check.h"
#include "tests/unit/keyd/loader/java/java-writer.h"

#define MAGIC 0xcecececeU
#define MAGIC_JKS 0xfeedfeedU
#define PASSWORD "changeit"

static Fixture fixture;
static Buf utf16 = BUF_INIT(256);
static const uint8_t salt[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static int setup(void **state _unused_) {
        fixture_init(&fixture);
        utf16_from_ascii(PASSWORD, &utf16);
        return 0;
}

static int teardown(void **state _unused_) {
        fixture_done(&fixture);
        buf_done(&utf16);
        return 0;
}

/* A host without some algorithm: the linker puts these in place of OpenSSL's. */

EVP_MD *__real_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);
EVP_CIPHER *__real_EVP_CIPHER_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);
EVP_CIPHER *__wrap_EVP_CIPHER_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);

static const char *absent = "";
static unsigned n_digest_fetches;

EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties) {
        assert_non_null(c); /* never the default context, which TLS uses */
        n_digest_fetches++;
        return strcmp(name, absent) == 0 ? NULL : __real_EVP_MD_fetch(c, name, properties);
}

EVP_CIPHER *__wrap_EVP_CIPHER_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties) {
        assert_non_null(c);
        return strcmp(name, absent) == 0 ? NULL : __real_EVP_CIPHER_fetch(c, name, properties);
}

/* A store with the one key @content, opened. */
static void open_with(uint32_t magic, const Buf *content, Keystore *ret) {
        _cleanup_(java_writer_done) JavaWriter j;
        LoadFailure f;

        java_writer_init(&j, magic, 2, 1);
        java_writer_private_key(&j, span_from_string("x"), buf_span(content), 1, buf_span(&fixture.certificate));
        java_writer_digest(&j, buf_span(&utf16));
        assert_int_equal(check_open(jceks_open, buf_span(&j.store), PASSWORD, ret, &f), VERDICT_OK);
}

static Verdict recover(const Buf *content, const char *password) {
        _cleanup_(keystore_done) Keystore k = {};
        EVP_PKEY *key = NULL;
        Verdict v;

        open_with(MAGIC, content, &k);
        v = check_recover(&k, 0, password, &key);
        if (v == VERDICT_OK)
                assert_int_equal(EVP_PKEY_eq(key, fixture.key), 1);
        EVP_PKEY_free(key);
        return v;
}

static Verdict recover_protected(const uint8_t s[8], bool old_slip, uint32_t iterations, const char *written, const char *read) {
        Buf content = BUF_INIT(4096);
        Verdict v;

        jceks_protect(written, s, old_slip, iterations, buf_span(&fixture.pkcs8), &content);
        v = recover(&content, read);
        buf_done(&content);
        return v;
}

static void test_protector(void **state _unused_) {
        assert_int_equal(recover_protected(salt, false, 20, PASSWORD, PASSWORD), VERDICT_OK);
        assert_int_equal(recover_protected(salt, false, 1, PASSWORD, PASSWORD), VERDICT_OK);
        assert_int_equal(recover_protected(salt, false, 2000, "other", "other"), VERDICT_OK);
        assert_int_equal(recover_protected(salt, false, 20, "", NULL), VERDICT_OK);
        assert_int_equal(recover_protected(salt, false, 20, "schl\xc3\xbcssel", "schl\xc3\xbcssel"), VERDICT_OK);
}

/* 600 wrong passwords: padding fits some of them by chance. */
static void test_wrong_password(void **state _unused_) {
        _cleanup_(keystore_done) Keystore k = {};
        Buf content = BUF_INIT(4096);

        jceks_protect(PASSWORD, salt, false, 1, buf_span(&fixture.pkcs8), &content);
        open_with(MAGIC, &content, &k);
        for (int i = 0; i < 600; i++) {
                char wrong[16];

                snprintf(wrong, sizeof(wrong), "wrong%d", i);
                assert_int_equal(check_recover(&k, 0, wrong, NULL), VERDICT_KEYPASS);
        }
        buf_done(&content);
}

static void test_equal_halves(void **state _unused_) {
        static const uint8_t equal[8] = {1, 2, 3, 4, 1, 2, 3, 4};

        assert_int_equal(recover_protected(equal, false, 20, PASSWORD, PASSWORD), VERDICT_OK);
        assert_int_equal(recover_protected(equal, true, 20, PASSWORD, PASSWORD), VERDICT_OK);
        assert_int_equal(recover_protected(equal, true, 20, PASSWORD, "wrong"), VERDICT_KEYPASS);
}

static void test_iterations(void **state _unused_) {
        static const uint32_t too_many[] = {KEYSTORE_ITERATIONS_MAX + 1, INT32_MAX, UINT32_MAX};

        for (size_t i = 0; i < ARRAY_SIZE(too_many); i++) {
                _cleanup_(keystore_done) Keystore k = {};
                Buf content = BUF_INIT(4096);

                jceks_protect(PASSWORD, salt, false, too_many[i], buf_span(&fixture.pkcs8), &content);
                open_with(MAGIC, &content, &k);
                n_digest_fetches = 0;
                assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_LIMIT);
                assert_int_equal(n_digest_fetches, 0); /* refused before anything was derived */
                buf_done(&content);
        }
}

static void test_parameters(void **state _unused_) {
        static const struct {
                Span parameter;
                Verdict verdict;
        } cases[] = {
                {{}, VERDICT_FORMAT},
                {SPAN_LITERAL("\x05\x00"), VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x00"), VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x0c\x04\x07"
                              "1234567"
                              "\x02\x01\x14"),
                 VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x0e\x04\x09"
                              "123456789"
                              "\x02\x01\x14"),
                 VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x0d\x04\x08"
                              "12345678"
                              "\x02\x01\x00"),
                 VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x0d\x04\x08"
                              "12345678"
                              "\x02\x01\xff"),
                 VERDICT_FORMAT},
                {SPAN_LITERAL("\x30\x15\x04\x08"
                              "12345678"
                              "\x02\x09\x01\x00\x00\x00\x00\x00\x00\x00\x14"),
                 VERDICT_LIMIT},
                {SPAN_LITERAL("\x30\x0d\x04\x08"
                              "12345678"
                              "\x02\x01\x14"),
                 VERDICT_KEYPASS},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                Buf content = BUF_INIT(4096);

                protect_raw("1.3.6.1.4.1.42.2.19.1", cases[i].parameter, SPAN_LITERAL("0123456701234567"), &content);
                assert_int_equal(recover(&content, PASSWORD), cases[i].verdict);
                buf_done(&content);
        }
}

static void test_cipher_sizes(void **state _unused_) {
        static const uint8_t zeroes[24];

        for (size_t n = 0; n <= sizeof(zeroes); n++) {
                Buf content = BUF_INIT(4096);

                protect_raw("1.3.6.1.4.1.42.2.19.1",
                            SPAN_LITERAL("\x30\x0d\x04\x08"
                                         "12345678"
                                         "\x02\x01\x14"),
                            span_make(zeroes, n), &content);
                assert_int_equal(recover(&content, PASSWORD), n > 0 && n % 8 == 0 ? VERDICT_KEYPASS : VERDICT_FORMAT);
                buf_done(&content);
        }
}

static void test_trailing_byte(void **state _unused_) {
        Buf plain = BUF_INIT(4096), content = BUF_INIT(4096);

        assert_int_equal(buf_append(&plain, fixture.pkcs8.data, fixture.pkcs8.size), 0);
        assert_int_equal(buf_append(&plain, "", 1), 0);
        jceks_protect(PASSWORD, salt, false, 20, buf_span(&plain), &content);
        assert_int_equal(recover(&content, PASSWORD), VERDICT_FORMAT);
        buf_done(&plain);
        buf_done(&content);
}

/* Java's JCEKS reader takes keys under the JKS protector, and stores with the JKS magic. */
static void test_jks_inside(void **state _unused_) {
        static const uint32_t magics[] = {MAGIC, MAGIC_JKS};
        Buf content = BUF_INIT(4096);

        jks_protect(buf_span(&utf16), buf_span(&fixture.pkcs8), &content);
        assert_int_equal(recover(&content, "wrong"), VERDICT_KEYPASS);
        for (size_t i = 0; i < ARRAY_SIZE(magics); i++) {
                _cleanup_(keystore_done) Keystore k = {};

                open_with(magics[i], &content, &k);
                assert_string_equal(k.format, "jceks");
                assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_OK);
        }
        buf_done(&content);
}

/* The stream of a sealed secret key; @head_change is an offset at which one bit is flipped, SIZE_MAX none. */
static void put_secret(JavaWriter *j, size_t head_change, uint32_t claimed, bool same_name) {
        static const char head[] = "\xac\xed\x00\x05sr\x00\x33"
                                   "com.sun.crypto.provider.SealedObjectForKeyProtector\xcd\x57\xca\x59\xe7\x30\xbb\x53\x02\x00\x00xr\x00\x19"
                                   "javax.crypto.SealedObject\x3e\x36\x3d\xa6\xc3\xb7\x54\x70\x02\x00\x04[\x00\x0d"
                                   "encodedParamst\x00\x02[B[\x00\x10"
                                   "encryptedContent"
                                   "q\x00\x7e\x00\x02L\x00\x09paramsAlgt\x00\x12Ljava/lang/String;L\x00\x07sealAlgq\x00\x7e\x00\x03xpur\x00\x02[B"
                                   "\xac\xf3\x17\xf8\x06\x08\x54\xe0\x02\x00\x00xp";
        char copy[sizeof(head)];

        memcpy(copy, head, sizeof(head));
        if (head_change < sizeof(head) - 1)
                copy[head_change] ^= 1;
        java_writer_head(j, 3, span_from_string("secret"));
        wire_put_bytes(&j->w, copy, sizeof(head) - 1);
        wire_put_vector(&j->w, 4, SPAN_LITERAL("parameters"));
        wire_put_bytes(&j->w, "uq\x00\x7e\x00\x05", 6);
        wire_put_u32(&j->w, claimed);
        wire_put_bytes(&j->w, "0123456789abcdef", 16);
        wire_put_u8(&j->w, 0x74);
        wire_put_vector(&j->w, 2, SPAN_LITERAL("PBEWithMD5AndTripleDES"));
        if (same_name) {
                wire_put_bytes(&j->w, "q\x00\x7e\x00\x08", 5);
        } else {
                wire_put_u8(&j->w, 0x74);
                wire_put_vector(&j->w, 2, SPAN_LITERAL("PBEWithMD5AndTripleDES"));
        }
}

#define HEAD_SIZE 224U

static void test_secret_keys(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        Buf content = BUF_INIT(4096);
        LoadFailure f;

        jceks_protect(PASSWORD, salt, false, 20, buf_span(&fixture.pkcs8), &content);
        java_writer_init(&j, MAGIC, 2, 4);
        put_secret(&j, SIZE_MAX, 16, false);
        java_writer_private_key(&j, span_from_string("key"), buf_span(&content), 1, buf_span(&fixture.certificate));
        put_secret(&j, SIZE_MAX, 16, true);
        java_writer_head(&j, 2, span_from_string("ca"));
        java_writer_certificate(&j, "X.509", buf_span(&fixture.certificate));
        java_writer_digest(&j, buf_span(&utf16));

        assert_int_equal(check_open(jceks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);
        assert_int_equal(k.n_secret_entries, 2);
        assert_int_equal(k.n_entries, 1);
        assert_string_equal(k.entries[0].alias, "key");
        assert_int_equal(sk_X509_num(k.certificates), 1);
        assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_OK);
        check_truncations(jceks_open, buf_span(&j.store), j.store.size, PASSWORD);
        buf_done(&content);
}

static Verdict secret_verdict(size_t head_change, uint32_t claimed) {
        _cleanup_(java_writer_done) JavaWriter j;

        java_writer_init(&j, MAGIC, 2, 1);
        put_secret(&j, head_change, claimed, false);
        java_writer_digest(&j, buf_span(&utf16));
        return check_verdict(jceks_open, buf_span(&j.store), PASSWORD);
}

/* Any other object is not passed over, however little it differs. */
static void test_other_objects(void **state _unused_) {
        for (size_t i = 0; i < HEAD_SIZE; i++)
                assert_int_equal(secret_verdict(i, 16), VERDICT_UNSUPPORTED);

        assert_int_equal(secret_verdict(SIZE_MAX, 16), VERDICT_OK);
        assert_int_equal(secret_verdict(SIZE_MAX, 15), VERDICT_UNSUPPORTED);
        assert_int_equal(secret_verdict(SIZE_MAX, INT32_MAX), VERDICT_FORMAT);
        assert_int_equal(secret_verdict(SIZE_MAX, UINT32_MAX), VERDICT_FORMAT);
}

static void test_absent_algorithms(void **state _unused_) {
        static const struct {
                const char *name;
                Verdict open, recover;
        } cases[] = {{"SHA1", VERDICT_UNSUPPORTED, VERDICT_OK},
                     {"MD5", VERDICT_OK, VERDICT_UNSUPPORTED},
                     {"DES-EDE3-CBC", VERDICT_OK, VERDICT_UNSUPPORTED}};
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        Buf content = BUF_INIT(4096), jks = BUF_INIT(4096);

        jceks_protect(PASSWORD, salt, false, 20, buf_span(&fixture.pkcs8), &content);
        open_with(MAGIC, &content, &k);
        java_writer_init(&j, MAGIC, 2, 0);
        java_writer_digest(&j, buf_span(&utf16));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                absent = cases[i].name;
                assert_int_equal(check_verdict(jceks_open, buf_span(&j.store), PASSWORD), cases[i].open);
                assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), cases[i].recover);
                absent = "";
        }

        keystore_done(&k);
        jks_protect(buf_span(&utf16), buf_span(&fixture.pkcs8), &jks);
        open_with(MAGIC, &jks, &k);
        absent = "SHA1";
        assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_UNSUPPORTED);
        absent = "";
        buf_done(&content);
        buf_done(&jks);
}

static void test_magic(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;

        java_writer_init(&j, MAGIC ^ 1, 2, 0);
        java_writer_digest(&j, buf_span(&utf16));
        assert_int_equal(check_verdict(jceks_open, buf_span(&j.store), PASSWORD), VERDICT_FORMAT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_protector),     cmocka_unit_test(test_wrong_password),    cmocka_unit_test(test_equal_halves),
                cmocka_unit_test(test_iterations),    cmocka_unit_test(test_parameters),        cmocka_unit_test(test_cipher_sizes),
                cmocka_unit_test(test_trailing_byte), cmocka_unit_test(test_jks_inside),        cmocka_unit_test(test_secret_keys),
                cmocka_unit_test(test_other_objects), cmocka_unit_test(test_absent_algorithms), cmocka_unit_test(test_magic),
        };

        return cmocka_run_group_tests_name("jceks", tests, setup, teardown);
}
