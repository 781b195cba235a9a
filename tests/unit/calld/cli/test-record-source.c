/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "calld/cli/record-filter.h"
#include "calld/cli/record-source.h"

/* A file that holds @data, to be read by its path. */
static int make_file(const void *data, size_t size, char ret_path[64]) {
        int fd = memfd_create("records", MFD_CLOEXEC);

        assert_int_equal(write(fd, data, size), size);
        snprintf(ret_path, 64, "/proc/self/fd/%d", fd);
        return fd;
}

/* What record_source_next() returns for each, as digits, and the MESSAGEs. */
static void expect(const char *data, size_t size, const char *wanted) {
        _cleanup_(record_source_done) RecordSource s = {};
        char path[64], got[256] = "";
        int fd = make_file(data, size, path), r;

        assert_int_equal(record_source_open(&s, path), 0);
        do {
                json_t *record = NULL;
                size_t n = strlen(got);

                r = record_source_next(&s, &record);
                snprintf(got + n, sizeof(got) - n, "%d%s ", r, record && json_text(record, "MESSAGE") ? json_text(record, "MESSAGE") : "");
                json_decref(record);
        } while (r != RECORD_E_END && strlen(got) < 200);
        assert_string_equal(got, wanted);
        assert_int_equal(record_source_finish(&s), 0);
        close(fd);
}

#define EXPECT(data, wanted) expect(data, sizeof(data) - 1, wanted)

static void test_json(void **state _unused_) {
        EXPECT("", "1 ");
        EXPECT("{\"MESSAGE\":\"a\"}\n{\"MESSAGE\":\"b\"}", "0a 0b 1 ");
        EXPECT("{\"MESSAGE\":\"a\"}\nbroken\n[1]\n{\"MESSAGE\":\"b\"}\n", "0a 2 2 0b 1 ");
}

static void test_export(void **state _unused_) {
        EXPECT("MESSAGE=a\nX=1=2\n\nMESSAGE=b\n\n", "0a 0b 1 ");
        EXPECT("\n\nMESSAGE=a\n\n\n\nMESSAGE=b\n", "0a 0b 1 ");
        /* with a length: a text of two lines, and bytes that are none */
        EXPECT("MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nY=1\n\n", "0a\nb 1 ");
        EXPECT("MESSAGE\n\1\0\0\0\0\0\0\0\xff\nY=1\n\n", "0 1 ");
        /* longer than the file, longer than can be, and without its line's end */
        EXPECT("MESSAGE\n\3\0\0\0\0\0\0\0a\n", "2 1 ");
        EXPECT("MESSAGE\n\0\0\0\0\0\0\0\1a\n", "2 2 1 ");
        EXPECT("MESSAGE\n\1\0\0\0\0\0\0\0aX", "2 1 ");
        EXPECT("MESSAGE\n\1\0", "2 1 ");
}

typedef struct Row {
        RecordFilter filter;
        bool taken;
} Row;

static void test_filter(void **state _unused_) {
        _cleanup_(json_decrefp) json_t *record = json_loads(
                "{\"SYSLOG_IDENTIFIER\":\"calld\",\"MIDTLS_EVENT\":\"call\",\"__REALTIME_TIMESTAMP\":\"100\",\"MIDTLS_ALIAS\":\"crm\",\"MIDTLS_PROFILE\":\"mauth\","
                "\"MIDTLS_CALLER_UID\":\"33\",\"MIDTLS_CALLER_UNIT\":\"web.service\",\"MIDTLS_VERDICT\":\"failed\",\"MIDTLS_REASON\":\"timeout\",\"MIDTLS_CALL_ID\":\"1\"}",
                0, NULL);
        const Row rows[] = {
                {{.until_usec = 100}, true},
                {{.until_usec = 99}, false},
                {{.since_usec = 100, .until_usec = 100}, true},
                {{.since_usec = 101, .until_usec = 200}, false},
                {{.until_usec = 100, .name = "crm"}, true},
                {{.until_usec = 100, .name = "mauth"}, true},
                {{.until_usec = 100, .name = "other"}, false},
                {{.until_usec = 100, .profile = "mauth"}, true},
                {{.until_usec = 100, .profile = "crm"}, false},
                {{.until_usec = 100, .event = "call", .verdict = "failed", .code = "timeout", .call = "1", .unit = "web.service", .uid = "33"}, true},
                {{.until_usec = 100, .event = "signature"}, false},
                {{.until_usec = 100, .verdict = "ok"}, false},
                {{.until_usec = 100, .code = "tls-failed"}, false},
                {{.until_usec = 100, .call = "2"}, false},
                {{.until_usec = 100, .unit = "cron.service"}, false},
                {{.until_usec = 100, .uid = "0"}, false},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (record_filter_takes(&rows[i].filter, record) != rows[i].taken)
                        fail_msg("row %zu", i);

        json_object_set_new(record, "_SYSTEMD_UNIT", json_string("cron.service"));
        assert_false(record_filter_takes(&rows[0].filter, record));
}

static int count(void *userdata, const char *field, const char *value) {
        unsigned *n = userdata;

        assert_true(strncmp(field, "MIDTLS_", 7) == 0 && *value);
        return ++*n == 3 ? 7 : 0;
}

static void test_fields(void **state _unused_) {
        const RecordFilter two = {.uid = "33", .code = "timeout", .name = "crm"},
                           three = {.uid = "33", .code = "timeout", .call = "1", .event = "call"};
        unsigned n = 0;

        assert_int_equal(record_filter_fields(&two, count, &n), 0);
        assert_int_equal(n, 2);
        n = 0;
        assert_int_equal(record_filter_fields(&three, count, &n), 7);
        assert_int_equal(n, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_export),
                cmocka_unit_test(test_filter),
                cmocka_unit_test(test_fields),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
