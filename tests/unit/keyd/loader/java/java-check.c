/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/loader/java/java-check.h"

Verdict check_open(KeystoreOpen open, Span store, const char *password, Keystore *ret, LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *file = NULL, *secret = NULL;
        int r;

        ASSERT(secret_new_from(store.data, store.size, &file) == 0);
        if (password)
                ASSERT(secret_new_from(password, strlen(password), &secret) == 0);

        *ret_failure = (LoadFailure) {};
        r = open("store", file, secret, ret, ret_failure);
        assert_in_range(r, 0, 1);
        if (r == 0)
                return VERDICT_OK;

        /* Whatever is refused says what and what to do. */
        assert_int_not_equal(ret_failure->verdict, VERDICT_OK);
        assert_true(ret_failure->detail[0] && ret_failure->hint[0]);
        return ret_failure->verdict;
}

Verdict check_verdict(KeystoreOpen open, Span store, const char *password) {
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f;

        return check_open(open, store, password, &k, &f);
}

Verdict check_recover(const Keystore *k, size_t entry, const char *password, EVP_PKEY **ret) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        LoadFailure f = {};
        int r;

        assert_true(entry < k->n_entries);
        if (password)
                ASSERT(secret_new_from(password, strlen(password), &secret) == 0);

        r = k->entries[entry].recover(&k->entries[entry], secret, &key, &f);
        assert_in_range(r, 0, 1);
        if (r == 1) {
                assert_null(key);
                assert_int_not_equal(f.verdict, VERDICT_OK);
                assert_true(f.detail[0] && f.hint[0]);
                return f.verdict;
        }

        assert_non_null(key);
        if (ret)
                *ret = TAKE_PTR(key);
        return VERDICT_OK;
}

void check_truncations(KeystoreOpen open, Span store, size_t n_bytes, const char *password) {
        for (size_t i = 0; i <= store.size; i++) {
                Verdict v = check_verdict(open, span_make(store.data, i), password);

                if (i < n_bytes)
                        assert_int_equal(v, VERDICT_FORMAT);
                else
                        assert_int_equal(v, VERDICT_OK);
        }
}

void check_flips(KeystoreOpen open, Span store, const char *password) {
        uint8_t *copy = malloc(store.size);

        ASSERT(copy);
        memcpy(copy, store.data, store.size);
        for (size_t i = 0; i < 8 * store.size; i++) {
                copy[i / 8] ^= (uint8_t) (1U << i % 8);
                assert_int_not_equal(check_verdict(open, span_make(copy, store.size), password), VERDICT_OK);
                copy[i / 8] ^= (uint8_t) (1U << i % 8);
        }
        free(copy);
}
