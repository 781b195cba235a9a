/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "calld/call/alert.h"
#include "calld/call/error.h"

static void test_rows(void **state) {
        (void) state;
        for (int i = CALL_OK + 1; i < _CALL_CODE_MAX; i++) {
                const CallCodeRow *row = call_code_row((CallCode) i);

                assert_true(row->name && row->name[0] && row->proxy_error[0] && row->title[0] && row->hint[0]);
                assert_true(row->status >= 400 && row->status < 600);
                for (int k = CALL_OK; k < i; k++)
                        assert_string_not_equal(row->name, call_code_row((CallCode) k)->name);
        }
}

static void test_set(void **state) {
        CallError e = {.status = 1, .alert = "x"};

        (void) state;
        call_error_set(&e, CALL_TIMEOUT, "do %s", "a %s %d", "b", 3);
        assert_string_equal(e.detail, "a b 3");
        assert_string_equal(e.hint, "do %s");
        assert_true(e.status == 0 && !e.alert && e.alert_id == -1);
}

/* Cut texts end with a whole character. */
static void test_cut(void **state) {
        static const char *const characters[] = {"x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
        char text[1200];
        CallError e;

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(characters); i++) {
                size_t n = strlen(characters[i]);

                for (size_t shift = 0; shift < n; shift++) {
                        memset(text, 'a', shift);
                        for (size_t k = shift; k + n < sizeof(text); k += n)
                                memcpy(text + k, characters[i], n + 1);
                        call_error_set(&e, CALL_TIMEOUT, text, "%s", text);
                        assert_true(strlen(e.detail) > sizeof(e.detail) - 5);
                        assert_int_equal((strlen(e.detail) - shift) % n, 0);
                        assert_int_equal((strlen(e.hint) - shift) % n, 0);
                }
        }
}

static void test_alerts(void **state) {
        (void) state;
        assert_string_equal(alert_to_string(42), "bad_certificate");
        assert_string_equal(alert_to_string(255), "unknown");
        assert_true(alert_rejects_certificate(116) && alert_rejects_certificate(48));
        assert_false(alert_rejects_certificate(70) || alert_rejects_certificate(255));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rows),
                cmocka_unit_test(test_set),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_alerts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
