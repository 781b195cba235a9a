/* SPDX-License-Identifier: Apache-2.0 */

/* Cut everywhere, altered everywhere: always a verdict, never another key */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/loader/keystore/pem-block.h"
#include "keyd/loader/keystore/pkcs12-internal.h"
#include "tests/unit/keyd/loader/stores.h"

#define PW "changeit"

static Secret *cut(const Secret *s, size_t size) {
        Secret *ret = NULL;

        assert_int_equal(secret_new_from(secret_data(s), size, &ret), 0);
        return ret;
}

static void test_pkcs12_cut(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("small.p12");
        LoadFailure f;

        assert_int_equal(stores_load_bytes(whole, NULL, PW, NULL, NULL, &f), VERDICT_OK);
        for (size_t size = 0; size < secret_size(whole); size++) {
                _cleanup_(secret_freep) Secret *s = cut(whole, size);

                assert_int_equal(stores_load_bytes(s, NULL, PW, NULL, NULL, &f), VERDICT_FORMAT);
        }
}

/* A byte that carries no meaning (a NULL parameter) may be altered; what is loaded is the same key with the same certificate. */
static void test_pkcs12_altered(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("small.p12");
        _cleanup_(loaded_key_freep) LoadedKey *original = NULL;
        size_t n_ok = 0;
        LoadFailure f;

        assert_int_equal(stores_load_bytes(whole, NULL, PW, NULL, &original, &f), VERDICT_OK);
        for (size_t i = 0; i < secret_size(whole); i++)
                for (unsigned bit = 1; bit < 256; bit <<= 3) {
                        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
                        Verdict v;

                        secret_writable(whole)[i] ^= (uint8_t) bit;
                        v = stores_load_bytes(whole, NULL, PW, NULL, &k, &f);
                        secret_writable(whole)[i] ^= (uint8_t) bit;
                        if (v != VERDICT_OK)
                                continue;
                        n_ok++;
                        assert_memory_equal(k->leaf_sha256, original->leaf_sha256, sizeof(k->leaf_sha256));
                }

        assert_true(n_ok < 16);
}

/* Without a MAC the damage reaches every decoder behind it. */
static void test_contents_altered(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("small-nomac.p12");
        LoadFailure f;

        for (size_t i = 0; i < secret_size(whole); i++)
                for (unsigned bit = 1; bit < 256; bit <<= 1) {
                        secret_writable(whole)[i] ^= (uint8_t) bit;
                        ignore_result(stores_load_bytes(whole, NULL, PW, NULL, NULL, &f), "any verdict will do");
                        secret_writable(whole)[i] ^= (uint8_t) bit;
                }
}

/* SafeContents in heap blocks of their exact size. */
static void test_bags_cut(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("bags.der");

        for (size_t size = 0; size <= secret_size(whole); size++) {
                _cleanup_(keystore_done) Keystore store = {.format = "pkcs12"};
                _cleanup_free_ uint8_t *copy = malloc(size);
                LoadFailure f = {};
                Pkcs12Walk w = {.store = &store, .failure = &f};

                memcpy(copy, secret_data(whole), size);
                assert_int_equal(pkcs12_take_contents(&w, (BerBytes) {.data = copy, .size = size}, 0), size < secret_size(whole) ? 1 : 0);
                ERR_clear_error();
        }
}

static void test_pem_cut(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("small.pem");
        LoadFailure f;
        Verdict v;

        for (size_t size = 0; size < secret_size(whole); size++) {
                _cleanup_(secret_freep) Secret *s = cut(whole, size);

                v = stores_load_bytes(s, NULL, PW, NULL, NULL, &f);
                /* The line end behind the last dash may be missing; between the blocks there is a whole key. */
                if (v == VERDICT_OK)
                        assert_int_equal(size, secret_size(whole) - 1);
                else
                        assert_true(v == VERDICT_FORMAT || v == VERDICT_NOCERT);
        }
}

static void test_pem_reader_cut(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("dek-aes.pem");

        for (size_t size = 0; size <= secret_size(whole); size++) {
                _cleanup_free_ uint8_t *copy = malloc(size);
                PemReader reader;
                LoadFailure f;
                int r;

                memcpy(copy, secret_data(whole), size);
                pem_reader_init(&reader, (BerBytes) {.data = copy, .size = size}, 100);
                do {
                        _cleanup_(pem_block_done) PemBlock b = {};

                        r = pem_reader_next(&reader, &b, &f);
                } while (r == 0);
                assert_true(r == PEM_E_END || r == PEM_E_FAILURE);
                ignore_result(pem_has_block((BerBytes) {.data = copy, .size = size}), "must not read behind the end");
        }
}

static void test_pem_altered(void **state _unused_) {
        _cleanup_(secret_freep) Secret *whole = stores_read("small.pem");
        _cleanup_(loaded_key_freep) LoadedKey *original = NULL;
        LoadFailure f;

        assert_int_equal(stores_load_bytes(whole, NULL, PW, NULL, &original, &f), VERDICT_OK);
        for (size_t i = 0; i < secret_size(whole); i++) {
                _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
                uint8_t was = secret_data(whole)[i];

                secret_writable(whole)[i] = was == '-' ? '=' : '-';
                ignore_result(stores_load_bytes(whole, NULL, PW, NULL, &k, &f), "any verdict will do");
                secret_writable(whole)[i] = was;
                if (k)
                        assert_memory_equal(k->spki_sha256, original->spki_sha256, sizeof(k->spki_sha256));
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_pkcs12_cut),  cmocka_unit_test(test_pkcs12_altered), cmocka_unit_test(test_contents_altered),
                cmocka_unit_test(test_bags_cut),    cmocka_unit_test(test_pem_cut),        cmocka_unit_test(test_pem_reader_cut),
                cmocka_unit_test(test_pem_altered),
        };

        return cmocka_run_group_tests(tests, stores_make, NULL);
}
