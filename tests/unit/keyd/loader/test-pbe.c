/* SPDX-License-Identifier: Apache-2.0 */

/* What an encryption costs is known before it is undone, and is taken from the budget */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/loader/keystore/pbe.h"
#include "tests/unit/keyd/loader/stores.h"

typedef struct Sealed {
        Secret *file;
        X509_SIG *sig;
        const X509_ALGOR *algorithm;
        BerBytes text;
} Sealed;

static void sealed_done(Sealed *s) {
        X509_SIG_free(s->sig);
        secret_free(s->file);
}

/* key-sealed.der: PBES2, PBKDF2 with HMAC-SHA-256 and 2048 iterations, AES-256-CBC */
static void sealed_read(Sealed *s) {
        const ASN1_OCTET_STRING *text;
        const uint8_t *p;

        s->file = stores_read("key-sealed.der");
        p = secret_data(s->file);
        s->sig = d2i_X509_SIG(NULL, &p, (long) secret_size(s->file));
        assert_non_null(s->sig);
        X509_SIG_get0(s->sig, &s->algorithm, &text);
        s->text = (BerBytes) {.data = ASN1_STRING_get0_data(text), .size = (size_t) ASN1_STRING_length(text)};
}

static int decrypt(const Sealed *s, const char *password, uint64_t *budget, Secret **ret, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *secret = stores_secret(password);
        _cleanup_(pbe_done) Pbe pbe = {};

        assert_int_equal(pbe_parse(s->algorithm, &pbe, f), 0);
        assert_int_equal(pbe.cost, 2048);
        return pbe_decrypt(&pbe, secret, s->text, budget, ret, f);
}

static void test_decrypt(void **state _unused_) {
        _cleanup_(secret_freep) Secret *plain = NULL, *expected = stores_read("key.der"), *none = NULL;
        _cleanup_(sealed_done) Sealed s = {};
        uint64_t budget = 10000;
        LoadFailure f;

        sealed_read(&s);
        assert_int_equal(decrypt(&s, "changeit", &budget, &plain, &f), 0);
        assert_int_equal(secret_size(plain), secret_size(expected));
        assert_memory_equal(secret_data(plain), secret_data(expected), secret_size(expected));
        assert_int_equal(budget, 10000 - 2048);

        assert_int_equal(decrypt(&s, "wrong", &budget, &none, &f), PBE_E_PASSWORD);
        assert_int_equal(decrypt(&s, NULL, &budget, &none, &f), PBE_E_PASSWORD);
        assert_null(none);
}

static void test_budget(void **state _unused_) {
        _cleanup_(secret_freep) Secret *plain = NULL;
        _cleanup_(sealed_done) Sealed s = {};
        uint64_t short_of_one = 2047, one = 2048;
        LoadFailure f;

        sealed_read(&s);
        assert_int_equal(decrypt(&s, "changeit", &short_of_one, &plain, &f), PBE_E_FAILURE);
        assert_int_equal(f.verdict, VERDICT_LIMIT);
        assert_int_equal(short_of_one, 2047);
        assert_int_equal(decrypt(&s, "changeit", &one, &plain, &f), 0);
        assert_int_equal(one, 0);

        /* A password with two forms asks twice. */
        one = 2048;
        assert_int_equal(decrypt(&s, "\xc3\xa4", &one, &plain, &f), PBE_E_FAILURE);
        assert_int_equal(f.verdict, VERDICT_LIMIT);
}

static void test_cost(void **state _unused_) {
        PbeKdf pbkdf2 = {.iterations = 1000, .digest_size = 20}, scrypt = {.is_scrypt = true, .n = 16384, .r = 8, .p = 1};

        assert_int_equal(pbe_kdf_cost(&pbkdf2, 20), 1000);
        assert_int_equal(pbe_kdf_cost(&pbkdf2, 32), 2000);
        assert_int_equal(pbe_kdf_cost(&scrypt, 32), 262144);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_decrypt),
                cmocka_unit_test(test_budget),
                cmocka_unit_test(test_cost),
        };

        return cmocka_run_group_tests(tests, stores_make, NULL);
}
