/* SPDX-License-Identifier: Apache-2.0 */

#include <jansson.h>
#include <string.h>

#include "common/log-internal.h"
#include "tests/unit/lib/unit.h"

static const char *const hostile[] = {
        "",
        "plain",
        "\"quoted\\\"",
        "two\nlines\r\t\x1b[31mred\x7f\x01",
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
        /* no UTF-8: lone bytes, overlong forms, a surrogate, beyond U+10FFFF, cut off */
        "a\x80z",
        "a\xc0\xafz",
        "a\xe0\x80\xafz",
        "a\xed\xa0\x80z",
        "a\xf4\x90\x80\x80z",
        "a\xf8\x88\x80\x80\x80z",
        "a\xff\xfez",
        "cut\xc3",
        "cut\xe2\x82",
        "cut\xf0\x9f\x98",
};

/* The same record as JSON, read by a strict parser. */
static json_t *format(const char *message, const char *value) {
        _cleanup_(buf_done) Buf b = BUF_INIT(LOG_LINE_MAX);
        char copy[64];
        LogRecord r = {.priority = PRIORITY_NOTICE, .fields = {{.name = "MIDTLS_X", .value = copy}}, .n_fields = 1};
        json_t *j;

        snprintf(copy, sizeof(copy), "%s", value);
        assert_int_equal(log_format_json(&r, "keyd", message, &b), 0);
        assert_int_equal(b.data[b.size - 1], '\n');
        assert_null(memchr(b.data, '\n', b.size - 1));
        j = json_loadb((const char *) b.data, b.size - 1, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        return j;
}

static const char *member(const json_t *j, const char *name) {
        return json_string_value(json_object_get(j, name));
}

static bool is_utf8(const char *s) {
        json_t *j = json_string(s);
        bool ok = j != NULL;

        json_decref(j);
        return ok;
}

static void test_json(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(hostile); i++) {
                json_t *j = format(hostile[i], hostile[i]);

                assert_non_null(member(j, "MESSAGE"));
                assert_string_equal(member(j, "MESSAGE"), member(j, "MIDTLS_X"));
                if (is_utf8(hostile[i]))
                        assert_string_equal(member(j, "MESSAGE"), hostile[i]);
                else
                        assert_non_null(strstr(member(j, "MESSAGE"), "\xef\xbf\xbd"));
                assert_string_equal(member(j, "PRIORITY"), "5");
                assert_string_equal(member(j, "SYSLOG_IDENTIFIER"), "keyd");
                assert_int_equal(strspn(member(j, "__REALTIME_TIMESTAMP"), "0123456789"), 16);
                json_decref(j);
        }
}

/* What stands around a bad byte stays. */
static void test_json_replaces_bytes_only(void **state) {
        json_t *j = format("a\x80z", "x");

        assert_string_equal(member(j, "MESSAGE"), "a\xef\xbf\xbdz");
        json_decref(j);
}

/* A value in a block of exactly its size: nothing behind a cut-off sequence is read. */
static void test_json_reads_no_further(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(LOG_LINE_MAX);
        _cleanup_free_ char *message = strdup("\xf0\x9f\x98");
        LogRecord r = {.priority = PRIORITY_INFO};

        assert_int_equal(log_format_json(&r, "keyd", message, &b), 0);
}

static void test_json_too_long(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(100);
        LogRecord r = {.priority = PRIORITY_INFO};

        assert_int_equal(log_format_json(&r, "keyd", "01234567890123456789", &b), -EMSGSIZE);
}

static void test_console(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(LOG_LINE_MAX);
        char value[] = "two\nlines";
        LogRecord r = {.priority = PRIORITY_INFO, .fields = {{.name = "A", .value = value}, {.name = "B", .value = value}}, .n_fields = 2};

        assert_int_equal(log_format_console(&r, "\x1b[31mred\x7f", &b), 0);
        assert_true(span_is(buf_span(&b), "<6>\\x1b[31mred\\x7f [A=two\\x0alines B=two\\x0alines]\n"));
}

static void test_console_without_fields(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(LOG_LINE_MAX);
        LogRecord r = {.priority = PRIORITY_ERROR};

        assert_int_equal(log_format_console(&r, "text", &b), 0);
        assert_true(span_is(buf_span(&b), "<3>text\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_json_replaces_bytes_only),
                cmocka_unit_test(test_json_reads_no_further),
                cmocka_unit_test(test_json_too_long),
                cmocka_unit_test(test_console),
                cmocka_unit_test(test_console_without_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
