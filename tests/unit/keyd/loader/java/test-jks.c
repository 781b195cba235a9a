/* SPDX-License-Identifier: Apache-2.0 */

/* JKS: stores of our own writing, sound and unsound */

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

static Span certificate(void) {
        return buf_span(&fixture.certificate);
}

static Span text(const char *s) {
        return span_from_string(s);
}

/* One key with @n certificates. */
static void write_small(JavaWriter *j, uint32_t version, uint32_t n) {
        java_writer_init(j, MAGIC, version, 1);
        java_writer_private_key(j, text("mykey"), buf_span(&protected), n, certificate());
        java_writer_digest(j, buf_span(&utf16));
}

static Verdict verdict(JavaWriter *j) {
        Verdict v;

        java_writer_digest(j, buf_span(&utf16));
        v = check_verdict(jks_open, buf_span(&j->store), PASSWORD);
        java_writer_done(j);
        return v;
}

static void assert_same_key(EVP_PKEY *key) {
        assert_int_equal(EVP_PKEY_eq(key, fixture.key), 1);
        EVP_PKEY_free(key);
}

static void test_opens(void **state _unused_) {
        for (uint32_t version = 1; version <= 2; version++) {
                _cleanup_(java_writer_done) JavaWriter j;
                _cleanup_(keystore_done) Keystore k = {};
                EVP_PKEY *key;
                LoadFailure f;

                write_small(&j, version, 2);
                assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);
                assert_string_equal(k.format, "jks");
                assert_int_equal(k.n_entries, 1);
                assert_string_equal(k.entries[0].alias, "mykey");
                assert_false(k.entries[0].alias_has_nul);
                assert_int_equal(sk_X509_num(k.entries[0].chain), 2);
                assert_null(k.warnings);
                assert_false(k.is_unverified);
                assert_int_equal(check_recover(&k, 0, PASSWORD, &key), VERDICT_OK);
                assert_same_key(key);
                assert_int_equal(check_recover(&k, 0, "Changeit", NULL), VERDICT_KEYPASS);
                assert_int_equal(check_recover(&k, 0, NULL, NULL), VERDICT_KEYPASS);
        }
}

static void test_auth(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure wrong_password, altered;

        write_small(&j, 2, 1);
        assert_int_equal(check_open(jks_open, buf_span(&j.store), "changeIt", &k, &wrong_password), VERDICT_AUTH);
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), NULL), VERDICT_AUTH);
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), ""), VERDICT_AUTH);
        j.store.data[20] ^= 1; /* in the alias */
        assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &altered), VERDICT_AUTH);
        assert_string_equal(wrong_password.detail, altered.detail);
        assert_string_equal(wrong_password.hint, altered.hint);
}

/* A certificate that does not decode is not looked at before the digest is known to fit. */
static void test_digest_before_decoding(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;

        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_head(&j, 2, text("ca"));
        java_writer_certificate(&j, "X.509", text("not DER"));
        java_writer_digest(&j, buf_span(&utf16));
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), "wrong"), VERDICT_AUTH);
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), PASSWORD), VERDICT_FORMAT);
}

static void test_truncations(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;

        write_small(&j, 2, 1);
        check_truncations(jks_open, buf_span(&j.store), j.store.size, PASSWORD);
}

static void test_flips(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;

        write_small(&j, 2, 1);
        check_flips(jks_open, buf_span(&j.store), PASSWORD);
}

static void test_bytes_after_digest(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        write_small(&j, 2, 1);
        wire_put_u32(&j.w, 0);
        assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);
        assert_non_null(k.warnings);
        assert_non_null(strstr(k.warnings[0], "4 bytes"));
}

static void test_empty_password(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;

        java_writer_init(&j, MAGIC, 2, 0);
        java_writer_digest(&j, (Span) {});
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), ""), VERDICT_OK);
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), NULL), VERDICT_OK);
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), " "), VERDICT_AUTH);
}

static void test_head(void **state _unused_) {
        static const struct {
                uint32_t magic, version, n_entries;
                Verdict verdict;
        } cases[] = {
                {MAGIC, 1, 0, VERDICT_OK},
                {MAGIC, 2, 0, VERDICT_OK},
                {MAGIC, 0, 0, VERDICT_FORMAT},
                {MAGIC, 3, 0, VERDICT_FORMAT},
                {0xcecececeU, 2, 0, VERDICT_FORMAT},
                {0xfeedfaceU, 2, 0, VERDICT_FORMAT},
                {MAGIC, 2, 1, VERDICT_FORMAT},
                {MAGIC, 2, KEYSTORE_ENTRIES_MAX, VERDICT_FORMAT},
                {MAGIC, 2, KEYSTORE_ENTRIES_MAX + 1, VERDICT_LIMIT},
                {MAGIC, 2, INT32_MAX, VERDICT_LIMIT},
                {MAGIC, 2, 0x80000000U, VERDICT_FORMAT},
                {MAGIC, 2, UINT32_MAX, VERDICT_FORMAT},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                JavaWriter j;

                java_writer_init(&j, cases[i].magic, cases[i].version, cases[i].n_entries);
                assert_int_equal(verdict(&j), cases[i].verdict);
        }
}

static void test_tags(void **state _unused_) {
        static const uint32_t unknown[] = {0, 3, 4, 0x01000000U};

        for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
                JavaWriter j;

                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_head(&j, unknown[i], text("x"));
                java_writer_certificate(&j, "X.509", certificate());
                assert_int_equal(verdict(&j), VERDICT_FORMAT);
        }
}

static void test_several_entries(void **state _unused_) {
        _cleanup_(java_writer_done) JavaWriter j;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        java_writer_init(&j, MAGIC, 2, 4);
        java_writer_head(&j, 2, text("ca"));
        java_writer_certificate(&j, "X.509", certificate());
        java_writer_private_key(&j, text("a"), buf_span(&protected), 1, certificate());
        java_writer_private_key(&j, text(""), buf_span(&protected), 0, certificate());
        java_writer_head(&j, 2, text("ca2"));
        java_writer_certificate(&j, "x509", certificate());
        java_writer_digest(&j, buf_span(&utf16));

        assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), VERDICT_OK);
        assert_int_equal(k.n_entries, 2);
        assert_string_equal(k.entries[0].alias, "a");
        assert_int_equal(sk_X509_num(k.entries[0].chain), 1);
        assert_string_equal(k.entries[1].alias, "");
        assert_null(k.entries[1].chain);
        assert_int_equal(check_recover(&k, 1, PASSWORD, NULL), VERDICT_OK);
        assert_int_equal(sk_X509_num(k.certificates), 2);
}

static void test_aliases(void **state _unused_) {
        static const struct {
                const char *stored, *alias;
                Verdict verdict;
                bool has_nul;
        } cases[] = {
                {"grün", "grün", VERDICT_OK, false},
                {"\xed\xa0\xbd\xed\xb4\x91", "\xf0\x9f\x94\x91", VERDICT_OK, false}, /* U+1F511 as two surrogates */
                {"key\xc0\x80", "key\xef\xbf\xbd", VERDICT_OK, true},
                {"\xf0\x9f\x94\x91", NULL, VERDICT_FORMAT, false}, /* four bytes are not modified UTF-8 */
                {"\xed\xa0\xbd", NULL, VERDICT_FORMAT, false},     /* half a pair */
                {"\xed\xb4\x91\xed\xa0\xbd", NULL, VERDICT_FORMAT, false},
                {"\xc1\x81", NULL, VERDICT_FORMAT, false}, /* "A", too long */
                {"a\xc3", NULL, VERDICT_FORMAT, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(java_writer_done) JavaWriter j;
                _cleanup_(keystore_done) Keystore k = {};
                LoadFailure f;

                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_private_key(&j, text(cases[i].stored), buf_span(&protected), 1, certificate());
                java_writer_digest(&j, buf_span(&utf16));
                assert_int_equal(check_open(jks_open, buf_span(&j.store), PASSWORD, &k, &f), cases[i].verdict);
                if (cases[i].verdict != VERDICT_OK)
                        continue;
                assert_string_equal(k.entries[0].alias, cases[i].alias);
                assert_int_equal(k.entries[0].alias_has_nul, cases[i].has_nul);
        }
}

static void test_alias_lengths(void **state _unused_) {
        static const struct {
                size_t n;
                Verdict verdict;
        } cases[] = {{KEYSTORE_ALIAS_MAX, VERDICT_OK}, {KEYSTORE_ALIAS_MAX + 1, VERDICT_LIMIT}, {65535, VERDICT_LIMIT}};
        static char name[65536];
        JavaWriter j;

        memset(name, 'a', sizeof(name));
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_private_key(&j, span_make(name, cases[i].n), buf_span(&protected), 1, certificate());
                assert_int_equal(verdict(&j), cases[i].verdict);
        }

        /* What is far too long is told before the digest. */
        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_private_key(&j, span_make(name, 65535), buf_span(&protected), 1, certificate());
        java_writer_digest(&j, (Span) {});
        assert_int_equal(check_verdict(jks_open, buf_span(&j.store), PASSWORD), VERDICT_LIMIT);
        java_writer_done(&j);
}

static void test_chain_counts(void **state _unused_) {
        static const struct {
                uint32_t claimed, written;
                Verdict verdict;
        } cases[] = {
                {0, 0, VERDICT_OK},     {64, 64, VERDICT_OK},          {65, 65, VERDICT_LIMIT},
                {2, 1, VERDICT_FORMAT}, {INT32_MAX, 1, VERDICT_LIMIT}, {UINT32_MAX, 1, VERDICT_FORMAT},
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                JavaWriter j;

                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_head(&j, 1, text("x"));
                wire_put_vector(&j.w, 4, buf_span(&protected));
                wire_put_u32(&j.w, cases[i].claimed);
                for (uint32_t n = 0; n < cases[i].written; n++)
                        java_writer_certificate(&j, "X.509", certificate());
                assert_int_equal(verdict(&j), cases[i].verdict);
        }
}

static void test_lengths_that_lie(void **state _unused_) {
        static const uint32_t lengths[] = {0x10000, INT32_MAX, 0x80000000U, UINT32_MAX, UINT32_MAX - 3};

        for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
                JavaWriter j;

                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_head(&j, 1, text("x"));
                wire_put_u32(&j.w, lengths[i]);
                wire_put_bytes(&j.w, protected.data, protected.size);
                assert_int_equal(verdict(&j), VERDICT_FORMAT);

                java_writer_init(&j, MAGIC, 2, 1);
                java_writer_head(&j, 2, text("x"));
                wire_put_vector(&j.w, 2, text("X.509"));
                wire_put_u32(&j.w, lengths[i]);
                wire_put_bytes(&j.w, certificate().data, certificate().size);
                assert_int_equal(verdict(&j), VERDICT_FORMAT);
        }
}

static void test_certificates(void **state _unused_) {
        Buf longer = BUF_INIT(4096);
        JavaWriter j;

        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_head(&j, 2, text("pgp"));
        java_writer_certificate(&j, "PGP", certificate());
        assert_int_equal(verdict(&j), VERDICT_UNSUPPORTED);

        assert_int_equal(buf_append(&longer, certificate().data, certificate().size), 0);
        assert_int_equal(buf_append(&longer, "", 1), 0);
        java_writer_init(&j, MAGIC, 2, 1);
        java_writer_private_key(&j, text("x"), buf_span(&protected), 1, buf_span(&longer));
        assert_int_equal(verdict(&j), VERDICT_FORMAT);
        buf_done(&longer);
}

static void test_total_certificates(void **state _unused_) {
        JavaWriter j;

        for (uint32_t extra = 0; extra <= 1; extra++) {
                uint32_t n_keys = KEYSTORE_CERTIFICATES_MAX / 64, n_rest = KEYSTORE_CERTIFICATES_MAX % 64 + extra;

                java_writer_init(&j, MAGIC, 1, n_keys + 1);
                for (uint32_t i = 0; i <= n_keys; i++)
                        java_writer_private_key(&j, text("x"), SPAN_LITERAL("k"), i < n_keys ? 64 : n_rest, SPAN_LITERAL("c"));
                /* These certificates are none: the limit is told before one is decoded. */
                assert_int_equal(verdict(&j), extra ? VERDICT_LIMIT : VERDICT_FORMAT);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_opens),
                cmocka_unit_test(test_auth),
                cmocka_unit_test(test_digest_before_decoding),
                cmocka_unit_test(test_truncations),
                cmocka_unit_test(test_flips),
                cmocka_unit_test(test_bytes_after_digest),
                cmocka_unit_test(test_empty_password),
                cmocka_unit_test(test_head),
                cmocka_unit_test(test_tags),
                cmocka_unit_test(test_several_entries),
                cmocka_unit_test(test_aliases),
                cmocka_unit_test(test_alias_lengths),
                cmocka_unit_test(test_chain_counts),
                cmocka_unit_test(test_lengths_that_lie),
                cmocka_unit_test(test_certificates),
                cmocka_unit_test(test_total_certificates),
        };

        return cmocka_run_group_tests_name("jks", tests, setup, teardown);
}
