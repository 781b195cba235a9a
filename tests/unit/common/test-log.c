/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <jansson.h>
#include <string.h>

#include "common/log.h"
#include "tests/unit/lib/capture.h"
#include "tests/unit/lib/unit.h"

/* The lines that were written as JSON, as an array. */
static json_t *take_lines(Capture *c) {
        _cleanup_(buf_done) Buf b = BUF_INIT(1024 * 1024);
        json_t *lines = json_array();
        char *line, *rest;

        capture_end(c, &b);
        rest = (char *) b.data;
        while ((line = strsep(&rest, "\n")) && *line)
                assert_int_equal(json_array_append_new(lines, json_loads(line, JSON_REJECT_DUPLICATES, NULL)), 0);
        return lines;
}

static const char *member(const json_t *lines, size_t i, const char *name) {
        return json_string_value(json_object_get(json_array_get(lines, i), name));
}

static void test_targets(void **state) {
        assert_int_equal(log_target_from_string("auto"), LOG_TARGET_AUTO);
        assert_int_equal(log_target_from_string("journal"), LOG_TARGET_JOURNAL);
        assert_int_equal(log_target_from_string("console"), LOG_TARGET_CONSOLE);
        assert_int_equal(log_target_from_string("json"), LOG_TARGET_JSON);
        assert_int_equal(log_target_from_string(""), _LOG_TARGET_INVALID);
        assert_int_equal(log_target_from_string("JSON"), _LOG_TARGET_INVALID);
}

static void test_events(void **state) {
        assert_string_equal(log_event_to_string(EVENT_NONE), "");
        assert_string_equal(log_event_to_string(_EVENT_MAX), "");
        for (LogEvent e = EVENT_KEY_LOADED; e < _EVENT_MAX; e++)
                for (LogEvent other = EVENT_KEY_LOADED; other < e; other++)
                        assert_string_not_equal(log_event_to_string(e), log_event_to_string(other));
}

/* More text than a record has room for. */
static void test_long_values(void **state) {
        Capture c = capture_begin();
        char value[LOG_TEXT_SIZE];
        LogRecord r;
        json_t *lines;

        memset(value, 'v', sizeof(value) - 1);
        value[sizeof(value) - 1] = '\0';
        log_open("keyd", LOG_TARGET_JSON);
        log_record_init(&r, PRIORITY_INFO, EVENT_NONE);
        log_record_add(&r, "MIDTLS_PROFILE", "%s", "bank");
        for (unsigned i = 0; i < 3; i++)
                log_record_add(&r, (const char *const[]) {"A", "B", "C"}[i], "%s", value);
        log_record_add(&r, "MIDTLS_ALIAS", "%s", "crm");
        log_record_send(&r, "long");
        lines = take_lines(&c);

        assert_string_equal(member(lines, 0, "MIDTLS_PROFILE"), "bank");
        assert_string_equal(member(lines, 0, "B"), value);
        assert_string_equal(member(lines, 0, "MIDTLS_ALIAS"), "crm");
        json_decref(lines);
}

static void test_record(void **state) {
        Capture c = capture_begin();
        LogRecord r;
        json_t *lines;

        log_open("keyd", LOG_TARGET_JSON);
        log_record_init(&r, PRIORITY_INFO, EVENT_SIGNATURE);
        log_record_add(&r, "MIDTLS_PROFILE", "%s\n", "bank");
        log_record_send(&r, "signed %d", 1);
        lines = take_lines(&c);

        assert_int_equal(json_array_size(lines), 1);
        assert_string_equal(member(lines, 0, "MESSAGE"), "signed 1");
        assert_string_equal(member(lines, 0, "MIDTLS_EVENT"), "signature");
        assert_string_equal(member(lines, 0, "MESSAGE_ID"), "6d1d6f5b3f1f4f6b9a4c61ad2f7be105");
        assert_string_equal(member(lines, 0, "MIDTLS_PROFILE"), "bank\n");
        json_decref(lines);
}

static void test_priority(void **state) {
        Capture c = capture_begin();
        json_t *lines;

        log_open("keyd", LOG_TARGET_JSON);
        log_message(PRIORITY_DEBUG, "not said");
        log_message(PRIORITY_INFO, "said");
        log_set_max_priority(PRIORITY_DEBUG);
        log_message(PRIORITY_DEBUG, "said too");
        log_set_max_priority(PRIORITY_INFO);
        lines = take_lines(&c);

        assert_int_equal(json_array_size(lines), 2);
        assert_string_equal(member(lines, 0, "MESSAGE"), "said");
        assert_string_equal(member(lines, 1, "MESSAGE"), "said too");
        json_decref(lines);
}

static void test_errno(void **state) {
        Capture c = capture_begin();
        json_t *lines;

        log_open("keyd", LOG_TARGET_JSON);
        assert_int_equal(log_errno(-ENOENT, "open %s", "x"), -ENOENT);
        assert_int_equal(log_errno(-99999, "y"), -99999);
        lines = take_lines(&c);

        assert_string_equal(member(lines, 0, "MESSAGE"), "open x: No such file or directory");
        assert_string_equal(member(lines, 0, "ERRNO"), "2");
        assert_string_equal(member(lines, 1, "MESSAGE"), "y: unknown error");
        json_decref(lines);
}

static void send_full(unsigned n_too_many) {
        LogRecord r;

        log_record_init(&r, PRIORITY_INFO, EVENT_NONE);
        for (unsigned i = 0; i < LOG_FIELDS_MAX + n_too_many; i++)
                log_record_add(&r, "A", "x");
        assert_int_equal(r.n_fields, LOG_FIELDS_MAX);
        log_record_send(&r, "full");
}

/* What was left out is counted and said as soon as a record has room for it. */
static void test_lost_is_said(void **state) {
        Capture c = capture_begin();
        _cleanup_(buf_done) Buf b = BUF_INIT(1024 * 1024);

        log_open("keyd", LOG_TARGET_JSON);
        send_full(3);
        send_full(2);
        log_message(PRIORITY_INFO, "next");
        log_message(PRIORITY_INFO, "last");
        capture_end(&c, &b);

        assert_non_null(strstr((char *) b.data, "\"MESSAGE\":\"next\",\"MIDTLS_RECORDS_LOST\":\"5\"}"));
        assert_non_null(strstr((char *) b.data, "\"MESSAGE\":\"last\"}"));
}

/* A reader that is stuck cannot stop us, and the loss is said afterwards. */
static void test_stuck_reader(void **state) {
        int saved = dup(STDERR_FILENO), pipes[2];
        _cleanup_(buf_done) Buf b = BUF_INIT(1024 * 1024);
        Capture c;

        assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
        while (write(pipes[1], "x", 1) == 1)
                ;
        assert_int_equal(dup2(pipes[1], STDERR_FILENO), STDERR_FILENO);
        log_open("keyd", LOG_TARGET_JSON);
        log_message(PRIORITY_INFO, "nobody reads this");
        assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
        close(saved);
        close(pipes[0]);
        close(pipes[1]);

        c = capture_begin();
        log_message(PRIORITY_INFO, "next");
        capture_end(&c, &b);
        assert_non_null(strstr((char *) b.data, "\"MIDTLS_RECORDS_LOST\":\"1\""));
}

static void test_auto_is_console(void **state) {
        Capture c = capture_begin();
        _cleanup_(buf_done) Buf b = BUF_INIT(1024);

        assert_int_equal(unsetenv("JOURNAL_STREAM"), 0);
        log_open("keyd", LOG_TARGET_AUTO);
        log_message(PRIORITY_WARNING, "hello");
        capture_end(&c, &b);
        assert_true(span_is(buf_span(&b), "<4>hello\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_targets),      cmocka_unit_test(test_events),       cmocka_unit_test(test_record),
                cmocka_unit_test(test_long_values),  cmocka_unit_test(test_priority),     cmocka_unit_test(test_errno),
                cmocka_unit_test(test_lost_is_said), cmocka_unit_test(test_stuck_reader), cmocka_unit_test(test_auto_is_console),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
