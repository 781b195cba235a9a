/* SPDX-License-Identifier: Apache-2.0 */

/* BCFKS: stores of our own writing, sound and unsound */

#include "tests/unit/keyd/loader/java/bcfks-writer.h"
#include "tests/unit/keyd/loader/java/java-check.h"

#define PASSWORD "changeit"

static Fixture fixture;

static int setup(void **state _unused_) {
        fixture_init(&fixture);
        return 0;
}

static int teardown(void **state _unused_) {
        fixture_done(&fixture);
        return 0;
}

/* A host without the digest: the linker puts this in place of OpenSSL's. */

EVP_MD *__real_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);

static bool digests_absent;

EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties) {
        return digests_absent ? NULL : __real_EVP_MD_fetch(c, name, properties);
}

static Span certificate(void) {
        return buf_span(&fixture.certificate);
}

static Verdict verdict(const BcfksSpec *s) {
        _cleanup_(buf_done) Buf store = bcfks_make(s, &fixture, 1);

        return check_verdict(bcfks_open, buf_span(&store), PASSWORD);
}

/* The store opens; what does its key? */
static Verdict recover(const BcfksSpec *s, const char *password) {
        _cleanup_(buf_done) Buf store = bcfks_make(s, &fixture, 1);
        _cleanup_(keystore_done) Keystore k = {};
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        LoadFailure f;
        Verdict v;

        assert_int_equal(check_open(bcfks_open, buf_span(&store), s->password, &k, &f), VERDICT_OK);
        assert_string_equal(k.format, "bcfks");
        assert_int_equal(k.n_entries, 1);
        assert_string_equal(k.entries[0].alias, "MyKey");
        assert_int_equal(sk_X509_num(k.entries[0].chain), 1);
        v = check_recover(&k, 0, password, &key);
        if (v == VERDICT_OK)
                assert_int_equal(EVP_PKEY_eq(key, fixture.key), 1);
        return v;
}

static void test_opens(void **state _unused_) {
        BcfksSpec s = bcfks_spec();

        assert_int_equal(recover(&s, PASSWORD), VERDICT_OK);
        assert_int_equal(recover(&s, "Changeit"), VERDICT_KEYPASS);
        assert_int_equal(recover(&s, NULL), VERDICT_KEYPASS);

        s.key_password = "another";
        assert_int_equal(recover(&s, PASSWORD), VERDICT_KEYPASS);
        assert_int_equal(recover(&s, "another"), VERDICT_OK);

        s = bcfks_spec();
        s.password = s.key_password = "";
        assert_int_equal(recover(&s, NULL), VERDICT_OK);
        assert_int_equal(recover(&s, ""), VERDICT_OK);
}

static void test_forms(void **state _unused_) {
        BcfksSpec s = bcfks_spec();

        s.cipher = NULL; /* not encrypted */
        assert_int_equal(recover(&s, PASSWORD), VERDICT_OK);
        s.cipher = s.key_cipher = OID_AES256_WRAP_PAD;
        assert_int_equal(recover(&s, PASSWORD), VERDICT_OK);
        assert_int_equal(recover(&s, "wrong"), VERDICT_KEYPASS);

        s = bcfks_spec();
        s.mac = s.inner_mac = OID_HMAC_SHA3_512;
        for (size_t i = 0; i < _BCFKS_STEP_MAX; i++)
                s.kdf[i].prf = OID_HMAC_SHA3_512;
        assert_int_equal(recover(&s, PASSWORD), VERDICT_OK);

        /* lengths of keys are told by the cipher as well */
        s = bcfks_spec();
        s.kdf[BCFKS_STEP_STORE].key_size = s.kdf[BCFKS_STEP_KEY].key_size = 0;
        s.n_nonce = 13;
        s.n_tag = 16;
        assert_int_equal(recover(&s, PASSWORD), VERDICT_OK);
}

static void test_auth(void **state _unused_) {
        BcfksSpec s = bcfks_spec();
        _cleanup_(buf_done) Buf store = bcfks_make(&s, &fixture, 1);
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure wrong_password, altered;

        assert_int_equal(check_open(bcfks_open, buf_span(&store), "changeIt", &k, &wrong_password), VERDICT_AUTH);
        assert_int_equal(check_verdict(bcfks_open, buf_span(&store), NULL), VERDICT_AUTH);
        store.data[store.size - 1] ^= 1;
        assert_int_equal(check_open(bcfks_open, buf_span(&store), PASSWORD, &k, &altered), VERDICT_AUTH);
        assert_string_equal(wrong_password.detail, altered.detail);
        assert_string_equal(wrong_password.hint, altered.hint);
}

static void test_truncations(void **state _unused_) {
        BcfksSpec s = bcfks_spec();
        _cleanup_(buf_done) Buf store = bcfks_make(&s, &fixture, 1);

        check_truncations(bcfks_open, buf_span(&store), store.size, PASSWORD);
        assert_int_equal(buf_append(&store, "", 1), 0);
        assert_int_equal(check_verdict(bcfks_open, buf_span(&store), PASSWORD), VERDICT_FORMAT);
}

static void test_flips(void **state _unused_) {
        BcfksSpec s = bcfks_spec();
        _cleanup_(buf_done) Buf store = bcfks_make(&s, &fixture, 1);

        check_flips(bcfks_open, buf_span(&store), PASSWORD);
}

static Verdict object_verdict(uint64_t type, Span alias, Span data, Keystore *ret) {
        _cleanup_(buf_done) Buf objects = BUF_INIT(DER_MAX), store = BUF_INIT(DER_MAX);
        BcfksSpec s = bcfks_spec();
        LoadFailure f;

        bcfks_put_object(type, alias, data, &objects);
        bcfks_put_store(&s, buf_span(&objects), &store);
        return check_open(bcfks_open, buf_span(&store), PASSWORD, ret, &f);
}

static void test_types(void **state _unused_) {
        for (uint64_t type = 0; type <= 7; type++) {
                _cleanup_(buf_done) Buf key = BUF_INIT(DER_MAX);
                _cleanup_(keystore_done) Keystore k = {};
                BcfksSpec s = bcfks_spec();
                Verdict v;

                bcfks_put_key(&s, buf_span(&fixture.pkcs8), 2, certificate(), &key);
                v = object_verdict(type, SPAN_LITERAL("x"), type == 0 ? certificate() : buf_span(&key), &k);
                assert_int_equal(v, type <= 5 ? VERDICT_OK : VERDICT_FORMAT);
                assert_int_equal(k.n_entries, type == 1 || type == 3);
                assert_int_equal(k.n_secret_entries, type == 2 || type == 4 || type == 5);
                assert_int_equal(k.certificates ? sk_X509_num(k.certificates) : 0, type == 0);
                if (k.n_entries > 0)
                        assert_int_equal(check_recover(&k, 0, PASSWORD, NULL), VERDICT_OK);
        }
}

static void test_aliases(void **state _unused_) {
        static char name[KEYSTORE_ALIAS_MAX + 1];
        static const struct {
                Span stored;
                const char *alias;
                Verdict verdict;
        } cases[] = {
                {SPAN_LITERAL("\xf0\x9f\x94\x91"), "\xf0\x9f\x94\x91", VERDICT_OK},
                {SPAN_LITERAL("key\0"), "key\xef\xbf\xbd", VERDICT_OK},
                {SPAN_LITERAL("\xed\xa0\xbd"), NULL, VERDICT_FORMAT},
                {SPAN_LITERAL("\xff"), NULL, VERDICT_FORMAT},
                {{(const uint8_t *) name, KEYSTORE_ALIAS_MAX}, name, VERDICT_OK},
                {{(const uint8_t *) name, KEYSTORE_ALIAS_MAX + 1}, NULL, VERDICT_LIMIT},
        };
        _cleanup_(buf_done) Buf key = BUF_INIT(DER_MAX);
        BcfksSpec s = bcfks_spec();

        memset(name, 'a', sizeof(name));
        bcfks_put_key(&s, buf_span(&fixture.pkcs8), 1, certificate(), &key);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                _cleanup_(keystore_done) Keystore k = {};

                assert_int_equal(object_verdict(1, cases[i].stored, buf_span(&key), &k), cases[i].verdict);
                if (cases[i].verdict != VERDICT_OK)
                        continue;
                assert_int_equal(strncmp(k.entries[0].alias, cases[i].alias, KEYSTORE_ALIAS_MAX), 0);
                assert_int_equal(k.entries[0].alias_has_nul, i == 1);
        }
}

static void test_malformed_objects(void **state _unused_) {
        _cleanup_(keystore_done) Keystore k = {};
        _cleanup_(buf_done) Buf longer = BUF_INIT(DER_MAX);
        BcfksSpec s = bcfks_spec();

        assert_int_equal(object_verdict(0, SPAN_LITERAL("x"), SPAN_LITERAL("not DER"), &k), VERDICT_FORMAT);
        assert_int_equal(object_verdict(0, SPAN_LITERAL("x"), (Span) {}, &k), VERDICT_FORMAT);
        assert_int_equal(object_verdict(1, SPAN_LITERAL("x"), SPAN_LITERAL("not DER"), &k), VERDICT_FORMAT);
        assert_int_equal(buf_append(&longer, certificate().data, certificate().size), 0);
        assert_int_equal(buf_append(&longer, "", 1), 0);
        assert_int_equal(object_verdict(0, SPAN_LITERAL("x"), buf_span(&longer), &k), VERDICT_FORMAT);
        buf_clear(&longer);
        bcfks_put_key(&s, buf_span(&fixture.pkcs8), 1, certificate(), &longer);
        assert_int_equal(buf_append(&longer, "", 1), 0);
        assert_int_equal(object_verdict(1, SPAN_LITERAL("x"), buf_span(&longer), &k), VERDICT_FORMAT);
}

static void test_counts(void **state _unused_) {
        for (uint32_t n = 64; n <= 65; n++) {
                BcfksSpec s = bcfks_spec();
                _cleanup_(buf_done) Buf store = bcfks_make(&s, &fixture, n);

                assert_int_equal(check_verdict(bcfks_open, buf_span(&store), PASSWORD), n == 64 ? VERDICT_OK : VERDICT_LIMIT);
        }
}

/* 10,000 entries and no more. */
static void test_entries(void **state _unused_) {
        _cleanup_(buf_done) Buf objects = BUF_INIT(DER_MAX);

        for (size_t i = 0; i < KEYSTORE_ENTRIES_MAX; i++)
                bcfks_put_object(2, SPAN_LITERAL("s"), SPAN_LITERAL("k"), &objects);

        for (int more = 0; more <= 1; more++) {
                _cleanup_(buf_done) Buf store = BUF_INIT(DER_MAX);
                BcfksSpec s = bcfks_spec();

                if (more)
                        bcfks_put_object(2, SPAN_LITERAL("s"), SPAN_LITERAL("k"), &objects);
                bcfks_put_store(&s, buf_span(&objects), &store);
                assert_int_equal(check_verdict(bcfks_open, buf_span(&store), PASSWORD), more ? VERDICT_LIMIT : VERDICT_OK);
        }
}

static void test_absent_digests(void **state _unused_) {
        BcfksSpec s = bcfks_spec();

        digests_absent = true;
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        digests_absent = false;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_opens),          cmocka_unit_test(test_forms),
                cmocka_unit_test(test_auth),           cmocka_unit_test(test_truncations),
                cmocka_unit_test(test_flips),          cmocka_unit_test(test_types),
                cmocka_unit_test(test_aliases),        cmocka_unit_test(test_malformed_objects),
                cmocka_unit_test(test_counts),         cmocka_unit_test(test_entries),
                cmocka_unit_test(test_absent_digests),
        };

        return cmocka_run_group_tests_name("bcfks", tests, setup, teardown);
}
