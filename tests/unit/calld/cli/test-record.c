/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/record.h"
#include "common/log.h"

static char *render(const char *json) {
        _cleanup_(json_decrefp) json_t *record = json_loads(json, 0, NULL);
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_non_null(record);
        record_print(record, f, false);
        fclose(f);
        return text;
}

static void test_line(void **state _unused_) {
        _cleanup_free_ char *text = render("{\"__REALTIME_TIMESTAMP\":\"86400000000\",\"PRIORITY\":\"6\",\"MIDTLS_EVENT\":\"call\","
                                           "\"MESSAGE\":\"crm\\u001b[2J\",\"MIDTLS_CALLER_UID\":\"1000\",\"MIDTLS_DURATION_USEC\":\"12000\","
                                           "\"MIDTLS_CALL_ID\":\"abc\",\"OTHER\":\"x\"}");

        assert_string_equal(text, "1970-01-02 00:00:00 call              crm\\x1b[2J duration=12ms uid=1000 call=abc\n");
}

/* journalctl writes null for what is too long and an array for what is no text. */
static void test_strange(void **state _unused_) {
        _cleanup_free_ char *text = render("{\"MESSAGE\":[1,2],\"MIDTLS_EVENT\":null,\"__REALTIME_TIMESTAMP\":\"x\",\"PRIORITY\":\"99\"}");

        assert_string_equal(text, "-                   -                 -\n");
}

/* The command does not link the daemons' log; its list of events is the same. */
static void test_events(void **state _unused_) {
        size_t n = 0;

        while (record_events[n])
                n++;
        assert_int_equal(n, _EVENT_MAX - EVENT_KEY_LOADED);
        for (size_t i = 0; i < n; i++)
                assert_string_equal(record_events[i], log_event_to_string((LogEvent) (EVENT_KEY_LOADED + i)));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_line), cmocka_unit_test(test_strange), cmocka_unit_test(test_events)};

        setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
