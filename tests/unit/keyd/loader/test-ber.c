/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/keystore/password-forms.h"

/* In a heap block of exactly its size, so that the sanitizer sees a read behind it. */
static int measure(const void *data, size_t size, size_t max, size_t *ret) {
        _cleanup_free_ uint8_t *copy = malloc(size);

        if (size > 0)
                memcpy(copy, data, size);
        return ber_measure((BerBytes) {.data = copy, .size = size}, max, ret);
}

typedef struct Vector {
        const char *bytes;
        size_t size;
        int result;
        size_t measured;
} Vector;

#define V(bytes, result, measured) \
        { bytes, sizeof(bytes) - 1, result, measured }

static void test_vectors(void **state _unused_) {
        static const Vector vectors[] = {
                V("\x30\x00", 0, 2),
                V("\x04\x02\x00\x00", 0, 4),
                V("\x30\x03\x02\x01\x05\xff", 0, 5),
                V("\x30\x80\x02\x01\x05\x00\x00", 0, 7),
                V("\x30\x80\x30\x80\x00\x00\x00\x00\x01", 0, 8),
                V("\x30\x81\x02\x05\x00", 0, 5),
                V("\x1f\x81\x01\x00", 0, 4),
                V("", BER_E_MALFORMED, 0),
                V("\x30", BER_E_MALFORMED, 0),
                V("\x30\x01", BER_E_MALFORMED, 0),
                V("\x30\x82\x00", BER_E_MALFORMED, 0),
                V("\x30\x85\x00\x00\x00\x00\x00", BER_E_MALFORMED, 0),
                V("\x30\x84\xff\xff\xff\xff\x00", BER_E_MALFORMED, 0),
                V("\x30\x80\x02\x01\x05", BER_E_MALFORMED, 0),
                V("\x30\x80\x02\x01\x05\x00", BER_E_MALFORMED, 0),
                V("\x04\x80\x00\x00", BER_E_MALFORMED, 0),     /* primitive and indefinite */
                V("\x00\x00", BER_E_MALFORMED, 0),             /* an end without a beginning */
                V("\x30\x02\x00\x00", BER_E_MALFORMED, 0),     /* an end in a definite element */
                V("\x30\x80\x00\x01\x00", BER_E_MALFORMED, 0), /* an end with content */
                V("\x30\x02\x02\x05", BER_E_MALFORMED, 0),     /* longer than its parent */
                V("\x30\x04\x30\x80\x02\x01\x05\x00\x00", BER_E_MALFORMED, 0),
                V("\x1f\x81\x81\x81\x81\x01\x00", BER_E_MALFORMED, 0),
        };
        size_t size;

        for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
                int r = measure(vectors[i].bytes, vectors[i].size, 100, &size);

                if (r != vectors[i].result || (r == 0 && size != vectors[i].measured))
                        fail_msg("vector %zu: %d, %zu bytes", i, r, size);
        }
}

static void test_depth(void **state _unused_) {
        uint8_t nest[4 * (BER_DEPTH_MAX + 1)] = {};
        size_t size;

        for (size_t i = 0; i <= BER_DEPTH_MAX; i++) {
                nest[2 * i] = BER_SEQUENCE;
                nest[2 * i + 1] = 0x80;
        }
        assert_int_equal(measure(nest, sizeof(nest), 1000, &size), BER_E_MALFORMED);
        assert_int_equal(measure(nest + 2, sizeof(nest) - 4, 1000, &size), 0);
        assert_int_equal(size, sizeof(nest) - 4);
}

static void test_elements(void **state _unused_) {
        size_t size;

        assert_int_equal(measure("\x30\x04\x05\x00\x05\x00", 6, 3, &size), 0);
        assert_int_equal(measure("\x30\x04\x05\x00\x05\x00", 6, 2, &size), BER_E_LIMIT);
}

static void test_nothing_follows(void **state _unused_) {
        assert_int_equal(ber_check((BerBytes) {.data = (const uint8_t *) "\x05\x00", .size = 2}, 10), 0);
        assert_int_equal(ber_check((BerBytes) {.data = (const uint8_t *) "\x05\x00\x00", .size = 3}, 10), BER_E_MALFORMED);
}

static void test_children(void **state _unused_) {
        static const char definite[] = "\x30\x06\x02\x01\x03\x04\x01\x07", indefinite[] = "\x30\x80\x02\x01\x03\x04\x01\x07\x00\x00";
        uint8_t tags[4];
        BerBytes first;
        size_t n;

        assert_int_equal(ber_children((BerBytes) {.data = (const uint8_t *) definite, .size = 8}, tags, 4, &n, &first), 0);
        assert_int_equal(n, 2);
        assert_int_equal(tags[0], BER_INTEGER);
        assert_int_equal(tags[1], BER_OCTET_STRING);
        assert_int_equal(first.size, 3);
        assert_int_equal(ber_children((BerBytes) {.data = (const uint8_t *) indefinite, .size = 10}, tags, 4, &n, &first), 0);
        assert_int_equal(n, 2);
        assert_int_equal(ber_children((BerBytes) {.data = (const uint8_t *) definite, .size = 8}, tags, 1, &n, &first), 0);
        assert_int_equal(n, 1);
}

static void expect_form(const Secret *s, const char *text) {
        if (!text) {
                assert_null(s);
                return;
        }
        assert_non_null(s);
        assert_int_equal(secret_size(s), strlen(text));
        assert_memory_equal(secret_data(s), text, strlen(text));
}

typedef int (*Forms)(const Secret *password, PasswordForms *ret);

static void expect_forms(Forms make, const char *password, size_t n, const char *first, const char *second) {
        _cleanup_(password_forms_done) PasswordForms f = {};
        _cleanup_(secret_freep) Secret *s = NULL;

        if (password)
                assert_int_equal(secret_new_from(password, strlen(password), &s), 0);
        assert_int_equal(make(s, &f), 0);
        assert_int_equal(f.n_items, n);
        expect_form(f.items[0], first);
        if (n > 1)
                expect_form(f.items[1], second);
}

static void test_password_forms(void **state _unused_) {
        expect_forms(password_forms_bmp, "abc", 1, "abc", NULL);
        expect_forms(password_forms_bmp, "", 2, "", NULL);
        expect_forms(password_forms_bmp, NULL, 2, NULL, "");
        expect_forms(password_forms_bmp, "\xc3\xa4", 2, "\xc3\xa4", "\xc3\x83\xc2\xa4");
        expect_forms(password_forms_bmp, "\xe4", 1, "\xc3\xa4", NULL);
        expect_forms(password_forms_bytes, "abc", 1, "abc", NULL);
        expect_forms(password_forms_bytes, "", 1, "", NULL);
        expect_forms(password_forms_bytes, NULL, 1, NULL, NULL);
        expect_forms(password_forms_bytes, "\xc3\xa4", 2, "\xc3\xa4", "\xe4");
        expect_forms(password_forms_bytes, "\xe4", 2, "\xe4", "\xc3\xa4");
        expect_forms(password_forms_bytes, "\xe2\x82\xac", 1, "\xe2\x82\xac", NULL);
}

static void test_utf8(void **state _unused_) {
        static const char *const bad[] = {"\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
                                          "\xc3("};
        static const uint32_t good[] = {0x41, 0xe4, 0x20ac, 0xfffd, 0x1f511, 0x10ffff};
        uint8_t text[4];
        uint32_t c;
        size_t n;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(utf8_next((const uint8_t *) bad[i], strlen(bad[i]), &c, &n));
        assert_false(utf8_next((const uint8_t *) "", 0, &c, &n));
        for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
                size_t size = utf8_put(good[i], text);

                assert_true(utf8_next(text, size, &c, &n));
                assert_int_equal(n, size);
                assert_int_equal(c, good[i]);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_vectors),  cmocka_unit_test(test_depth),
                cmocka_unit_test(test_elements), cmocka_unit_test(test_nothing_follows),
                cmocka_unit_test(test_children), cmocka_unit_test(test_password_forms),
                cmocka_unit_test(test_utf8),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
