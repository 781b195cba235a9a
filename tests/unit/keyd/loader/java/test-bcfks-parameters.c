/* SPDX-License-Identifier: Apache-2.0 */

/* BCFKS: parameters that are too large, unknown or malformed */

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

/* Counts how often a digest is asked for: work cannot begin without. */

EVP_MD *__real_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);
EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties);

static unsigned n_fetches;

EVP_MD *__wrap_EVP_MD_fetch(OSSL_LIB_CTX *c, const char *name, const char *properties) {
        n_fetches++;
        return __real_EVP_MD_fetch(c, name, properties);
}

static Verdict verdict(const BcfksSpec *s) {
        _cleanup_(buf_done) Buf store = bcfks_make(s, &fixture, 1);

        return check_verdict(bcfks_open, buf_span(&store), PASSWORD);
}

/* The store opens; what does its key? */
static Verdict recover(const BcfksSpec *s) {
        _cleanup_(buf_done) Buf store = bcfks_make(s, &fixture, 1);
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        assert_int_equal(check_open(bcfks_open, buf_span(&store), PASSWORD, &k, &f), VERDICT_OK);
        return check_recover(&k, 0, PASSWORD, NULL);
}

/* Each limit is told without work: no digest is asked for, also when only the second of two derivations is over it. */
static void test_limits(void **state _unused_) {
        static const uint64_t too_many[] = {KEYSTORE_ITERATIONS_MAX + 1, INT32_MAX, UINT32_MAX, UINT64_MAX};

        for (BcfksStep step = BCFKS_STEP_MAC; step <= BCFKS_STEP_STORE; step++) {
                BcfksSpec s;

                for (size_t i = 0; i < ARRAY_SIZE(too_many); i++) {
                        s = bcfks_spec();
                        s.kdf[step].iterations = too_many[i];
                        n_fetches = 0;
                        assert_int_equal(verdict(&s), VERDICT_LIMIT);
                        assert_int_equal(n_fetches, 0);
                }

                s = bcfks_spec();
                s.kdf[step].iterations = 0;
                assert_int_equal(verdict(&s), VERDICT_FORMAT);

                s = bcfks_spec();
                s.kdf[step].n_salt = KEYSTORE_SALT_MAX + 1;
                assert_int_equal(verdict(&s), VERDICT_LIMIT);
                s.kdf[step].n_salt = KEYSTORE_SALT_MAX;
                assert_int_equal(verdict(&s), VERDICT_OK);
        }
}

static void test_key_limits(void **state _unused_) {
        BcfksSpec s = bcfks_spec();

        s.kdf[BCFKS_STEP_KEY].iterations = INT32_MAX;
        assert_int_equal(recover(&s), VERDICT_LIMIT);
        s = bcfks_spec();
        s.kdf[BCFKS_STEP_KEY].n_salt = KEYSTORE_SALT_MAX + 1;
        assert_int_equal(recover(&s), VERDICT_LIMIT);
        s = bcfks_spec();
        s.kdf[BCFKS_STEP_KEY].prf = OID_HMAC_SHA256;
        assert_int_equal(recover(&s), VERDICT_UNSUPPORTED);
}

/* A MAC with a short key can be made without the password. */
static void test_mac_key_sizes(void **state _unused_) {
        static const struct {
                uint64_t size;
                Verdict verdict;
        } cases[] = {{0, VERDICT_FORMAT}, {1, VERDICT_AUTH}, {19, VERDICT_AUTH}, {20, VERDICT_OK}, {128, VERDICT_OK}, {129, VERDICT_LIMIT}};

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                BcfksSpec s = bcfks_spec();

                s.kdf[BCFKS_STEP_MAC].key_size = cases[i].size;
                assert_int_equal(verdict(&s), cases[i].verdict);
        }
}

static bool is_refused_as_signed(const BcfksSpec *s) {
        _cleanup_(buf_done) Buf store = bcfks_make(s, &fixture, 1);
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        return check_open(bcfks_open, buf_span(&store), PASSWORD, &k, &f) == VERDICT_UNSUPPORTED && strstr(f.detail, "signature");
}

static void test_unknown_algorithms(void **state _unused_) {
        BcfksSpec s = bcfks_spec();

        s.mac = OID_HMAC_SHA256;
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        s = bcfks_spec();
        s.kdf[BCFKS_STEP_MAC].prf = OID_HMAC_SHA256;
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        s.kdf[BCFKS_STEP_MAC].prf = NULL; /* HMAC-SHA-1 by default */
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        s = bcfks_spec();
        s.kdf[BCFKS_STEP_STORE].prf = OID_HMAC_SHA256;
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        s = bcfks_spec();
        s.cipher = OID_AES256_GCM;
        assert_int_equal(verdict(&s), VERDICT_UNSUPPORTED);
        s = bcfks_spec();
        s.is_signed = true;
        assert_true(is_refused_as_signed(&s));
        s = bcfks_spec();
        s.inner_mac = OID_HMAC_SHA3_512;
        assert_int_equal(verdict(&s), VERDICT_FORMAT);
}

static Verdict scrypt_verdict(uint64_t n, uint64_t r) {
        _cleanup_(buf_done) Buf fields = BUF_INIT(256), parameter = BUF_INIT(256), kdf = BUF_INIT(256);
        BcfksSpec s = bcfks_spec();

        der_put(&fields, 0x04, SPAN_LITERAL("salt"));
        der_put_uint(&fields, n);
        der_put_uint(&fields, r);
        der_put_uint(&fields, 1);
        der_put_uint(&fields, 64);
        der_put(&parameter, 0x30, buf_span(&fields));
        der_put_algorithm(&kdf, OID_SCRYPT, buf_span(&parameter));
        s.kdf[BCFKS_STEP_MAC].kdf = buf_span(&kdf);
        return verdict(&s);
}

/* This writer makes no scrypt: parameters that are taken end at the MAC. */
static void test_scrypt(void **state _unused_) {
        assert_int_equal(scrypt_verdict(1024, 8), VERDICT_AUTH);
        assert_int_equal(scrypt_verdict(2, 2046), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(2, 700), VERDICT_AUTH);
        assert_int_equal(scrypt_verdict(32768, 1), VERDICT_AUTH);
        assert_int_equal(scrypt_verdict(65536, 1), VERDICT_FORMAT); /* RFC 7914, 2 */
        assert_int_equal(scrypt_verdict(0, 8), VERDICT_FORMAT);
        assert_int_equal(scrypt_verdict(1, 8), VERDICT_FORMAT);
        assert_int_equal(scrypt_verdict(1000, 8), VERDICT_FORMAT);
        assert_int_equal(scrypt_verdict(1024, 0), VERDICT_FORMAT);
        assert_int_equal(scrypt_verdict(1 << 17, 8), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(1 << 16, 16), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(1 << 20, 1), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(UINT64_MAX, 8), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(1024, UINT64_MAX), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(1024, 1024), VERDICT_LIMIT);
        assert_int_equal(scrypt_verdict(1024, 256), VERDICT_LIMIT); /* fits in memory, takes too long */
        assert_int_equal(scrypt_verdict(UINT64_C(1) << 63, UINT64_C(1) << 63), VERDICT_LIMIT);
}

/* What recovering a key with this cipher and content gives. */
static Verdict recover_raw(const char *cipher, size_t n_nonce, uint64_t n_tag, uint64_t key_size, size_t n_content) {
        static const uint8_t zeroes[64];
        _cleanup_(buf_done) Buf fields = BUF_INIT(4096), ccm = BUF_INIT(4096), kdf = BUF_INIT(4096), pbes2 = BUF_INIT(4096),
                                parameter = BUF_INIT(4096), key = BUF_INIT(4096), data = BUF_INIT(4096), objects = BUF_INIT(4096),
                                store = BUF_INIT(DER_MAX);
        _cleanup_(keystore_done) Keystore k = {};
        BcfksSpec s = bcfks_spec();
        LoadFailure f;

        der_put(&fields, 0x04, span_make(zeroes, n_nonce));
        der_put_uint(&fields, n_tag);
        der_put(&ccm, 0x30, buf_span(&fields));
        buf_clear(&fields);
        der_put(&fields, 0x04, SPAN_LITERAL("salt"));
        der_put_uint(&fields, 1);
        der_put_uint(&fields, key_size);
        der_put_algorithm(&fields, OID_HMAC_SHA512, (Span) {});
        der_put(&kdf, 0x30, buf_span(&fields));
        der_put_algorithm(&pbes2, OID_PBKDF2, buf_span(&kdf));
        der_put_algorithm(&pbes2, cipher, strcmp(cipher, OID_AES256_CCM) == 0 ? buf_span(&ccm) : (Span) {});
        der_put(&parameter, 0x30, buf_span(&pbes2));
        protect_raw(OID_PBES2, buf_span(&parameter), span_make(zeroes, n_content), &key);
        der_put(&key, 0x30, (Span) {});
        der_put(&data, 0x30, buf_span(&key));
        bcfks_put_object(1, SPAN_LITERAL("x"), buf_span(&data), &objects);
        bcfks_put_store(&s, buf_span(&objects), &store);

        assert_int_equal(check_open(bcfks_open, buf_span(&store), PASSWORD, &k, &f), VERDICT_OK);
        assert_null(k.entries[0].chain);
        return check_recover(&k, 0, PASSWORD, NULL);
}

static void test_cipher_parameters(void **state _unused_) {
        static const struct {
                size_t n_nonce;
                uint64_t n_tag, key_size;
        } wrong[] = {{12, 17, 32}, {12, 7, 32}, {12, 2, 32}, {12, 0, 32}, {12, UINT64_MAX, 32}, {6, 8, 32}, {14, 8, 32}, {12, 8, 16}, {12, 8, 64}};

        for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
                assert_int_equal(recover_raw(OID_AES256_CCM, wrong[i].n_nonce, wrong[i].n_tag, wrong[i].key_size, 32), VERDICT_FORMAT);

        assert_int_equal(recover_raw(OID_AES256_CCM, 12, 8, 32, 32), VERDICT_KEYPASS);
        assert_int_equal(recover_raw(OID_AES256_CCM, 7, 16, 0, 32), VERDICT_KEYPASS);
        assert_int_equal(recover_raw(OID_AES256_GCM, 12, 8, 32, 32), VERDICT_UNSUPPORTED);
}

static void test_cipher_sizes(void **state _unused_) {
        for (size_t n = 0; n <= 40; n++) {
                assert_int_equal(recover_raw(OID_AES256_CCM, 12, 16, 32, n), VERDICT_KEYPASS);
                assert_int_equal(recover_raw(OID_AES256_WRAP_PAD, 12, 16, 32, n), VERDICT_KEYPASS);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_limits),        cmocka_unit_test(test_key_limits),
                cmocka_unit_test(test_mac_key_sizes), cmocka_unit_test(test_unknown_algorithms),
                cmocka_unit_test(test_scrypt),        cmocka_unit_test(test_cipher_parameters),
                cmocka_unit_test(test_cipher_sizes),
        };

        return cmocka_run_group_tests_name("bcfks-parameters", tests, setup, teardown);
}
