/* SPDX-License-Identifier: Apache-2.0 */

/* Modified UTF-8 and passwords */

#include "tests/unit/keyd/loader/java/java-check.h"
#include "keyd/loader/keystore/java-text.h"

static void check_password(const char *utf8, size_t n, const char *expected, size_t n_expected) {
        _cleanup_(secret_freep) Secret *password = NULL, *units = NULL;

        assert_int_equal(secret_new_from(utf8, n, &password), 0);
        assert_int_equal(java_password_to_utf16(password, &units), 0);
        assert_int_equal(secret_size(units), n_expected);
        if (n_expected > 0)
                assert_memory_equal(secret_data(units), expected, n_expected);
}

#define PASSWORD(utf8, units) check_password(utf8, sizeof(utf8) - 1, units, sizeof(units) - 1)

static void test_passwords(void **state _unused_) {
        _cleanup_(secret_freep) Secret *none = NULL;

        PASSWORD("", "");
        PASSWORD(" a ", "\0 \0a\0 ");
        PASSWORD("a\0b", "\0a\0\0\0b");
        PASSWORD("\xc3\xa9", "\0\xe9");
        PASSWORD("e\xcc\x81", "\0e\x03\x01"); /* not normalised */
        PASSWORD("\xe2\x82\xac", "\x20\xac");
        PASSWORD("\xf0\x9f\x94\x91", "\xd8\x3d\xdd\x11");
        PASSWORD("\xf4\x8f\xbf\xbf", "\xdb\xff\xdf\xff");
        /* what is not UTF-8 is ISO 8859-1, all of it */
        PASSWORD("\xe9", "\0\xe9");
        PASSWORD("\xc3\xa9\xff", "\0\xc3\0\xa9\0\xff");
        PASSWORD("\xc0\x80", "\0\xc0\0\x80"); /* too long */
        PASSWORD("\xe0\x82\x82", "\0\xe0\0\x82\0\x82");
        PASSWORD("\xed\xa0\x80", "\0\xed\0\xa0\0\x80");           /* a surrogate */
        PASSWORD("\xf4\x90\x80\x80", "\0\xf4\0\x90\0\x80\0\x80"); /* above U+10FFFF */
        PASSWORD("\xf0\x80\x80\x80", "\0\xf0\0\x80\0\x80\0\x80");
        PASSWORD("\xff", "\0\xff");

        assert_int_equal(java_password_to_utf16(NULL, &none), 0);
        assert_int_equal(secret_size(none), 0);
}

static void check_text(const char *stored, size_t n, const char *expected, bool has_nul) {
        uint8_t *exact = malloc(n);
        char *s = NULL;
        bool found;
        int r;

        memcpy(exact, stored, n);
        r = java_text_to_utf8(java_bytes_make(exact, n), &s, &found);
        assert_int_equal(r, expected ? 0 : JAVA_TEXT_E_MALFORMED);
        if (expected) {
                assert_string_equal(s, expected);
                assert_int_equal(found, has_nul);
        }
        free(s);
        free(exact);
}

#define TEXT(stored, expected, has_nul) check_text(stored, sizeof(stored) - 1, expected, has_nul)

static void test_texts(void **state _unused_) {
        TEXT("", "", false);
        TEXT("A\xc3\xa9\xe2\x82\xac", "A\xc3\xa9\xe2\x82\xac", false);
        TEXT("\xed\xaf\xbf\xed\xbf\xbf", "\xf4\x8f\xbf\xbf", false);
        TEXT("a\xc0\x80", "a\xef\xbf\xbd", true);
        TEXT("a\0", "a\xef\xbf\xbd", true);
        TEXT("\0\0\0\0", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", true);
        TEXT("\x80", NULL, false);
        TEXT("\xc3", NULL, false);
        TEXT("\xc3\x29", NULL, false);
        TEXT("\xe2\x82", NULL, false);
        TEXT("\xe0\x82\x82", NULL, false);
        TEXT("\xc1\xbf", NULL, false);
        TEXT("\xe0\x80\x80", NULL, false);
        TEXT("\xf0\x9f\x94\x91", NULL, false);
        TEXT("\xff", NULL, false);
        TEXT("\xed\xa0\xbd", NULL, false);
        TEXT("\xed\xa0\xbdx", NULL, false);
        TEXT("\xed\xa0\xbd\xed\xa0\xbd", NULL, false);
        TEXT("\xed\xb4\x91", NULL, false);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_passwords),
                cmocka_unit_test(test_texts),
        };

        return cmocka_run_group_tests_name("java-text", tests, NULL, NULL);
}
