/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "calld/cli/reconcile.h"

#define SIGNATURE(id)                                                                                             \
        "{\"SYSLOG_IDENTIFIER\":\"keyd-signer\",\"MIDTLS_EVENT\":\"signature\",\"__REALTIME_TIMESTAMP\":\"100\"," \
        "\"MIDTLS_ALIAS\":\"crm\",\"MIDTLS_DESTINATION\":\"a:443\",\"MIDTLS_CALL_ID\":\"" id "\"}"
#define CALL(id, more)                                                                                                                          \
        "{\"SYSLOG_IDENTIFIER\":\"calld\",\"MIDTLS_EVENT\":\"call\",\"__REALTIME_TIMESTAMP\":\"200\",\"MIDTLS_DURATION_USEC\":\"150\","         \
        "\"MIDTLS_ALIAS\":\"crm\",\"MIDTLS_DESTINATION\":\"a:443\",\"MIDTLS_VERDICT\":\"ok\",\"MIDTLS_RESUMED\":\"0\",\"MIDTLS_REUSED\":\"0\"," \
        "\"MIDTLS_CALL_ID\":\"" id "\"," more "}"

typedef struct Expected {
        const char *records[6];
        GapKind kind; /* _GAP_MAX: none */
} Expected;

static const Expected rows[] = {
        /* one handshake, in whichever order the records come */
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"1\"")}, _GAP_MAX},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\""), SIGNATURE("1")}, _GAP_MAX},
        /* tried again: a handshake for each attempt */
        {{SIGNATURE("1"), SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"2\"")}, _GAP_MAX},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"2\""), SIGNATURE("1")}, _GAP_MAX},
        /* over a kept connection, and a resumed one */
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_REUSED\":\"1\"")}, _GAP_MAX},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_RESUMED\":\"1\"")}, _GAP_MAX},
        /* refused, or never so far */
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_VERDICT\":\"failed\"")}, _GAP_MAX},
        /* asked for without an answer: it was made or not, before or after the call ended */
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_SIGNATURES_UNANSWERED\":\"1\",\"MIDTLS_VERDICT\":\"failed\"")}, _GAP_MAX},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_SIGNATURES_UNANSWERED\":\"1\",\"MIDTLS_VERDICT\":\"failed\"")}, _GAP_MAX},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\",\"MIDTLS_SIGNATURES_UNANSWERED\":\"1\""), SIGNATURE("1"), SIGNATURE("1")}, _GAP_MAX},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\",\"MIDTLS_SIGNATURES_UNANSWERED\":\"1\""), SIGNATURE("1"), SIGNATURE("1"), SIGNATURE("1")},
         GAP_NOT_COUNTED},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\",\"MIDTLS_SIGNATURES_UNANSWERED\":\"1\"")}, GAP_NO_SIGNATURE},
        /* what must not be */
        {{SIGNATURE("1")}, GAP_NO_CALL},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"1\""), SIGNATURE("1")}, GAP_NO_CALL},
        {{SIGNATURE("2"), CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_REUSED\":\"1\"")}, GAP_NO_CALL},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\"")}, GAP_NO_SIGNATURE},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"2\"")}, GAP_NO_SIGNATURE},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"0\",\"MIDTLS_REUSED\":\"1\"")}, GAP_NOT_COUNTED},
        {{CALL("1", "\"MIDTLS_SIGNATURES\":\"0\"")}, GAP_UNSIGNED},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"1\",\"MIDTLS_ALIAS\":\"other\"")}, GAP_DIFFERENT},
        {{SIGNATURE("1"), CALL("1", "\"MIDTLS_SIGNATURES\":\"1\",\"MIDTLS_DESTINATION\":\"b:443\"")}, GAP_DIFFERENT},
        {{"{\"SYSLOG_IDENTIFIER\":\"keyd-signer\",\"MIDTLS_EVENT\":\"signature\"}"}, GAP_NO_CALL},
        {{"{\"SYSLOG_IDENTIFIER\":\"calld\",\"MIDTLS_EVENT\":\"call\"}"}, GAP_INVALID},
        {{"{\"SYSLOG_IDENTIFIER\":\"calld\",\"MESSAGE\":\"x\",\"MIDTLS_RECORDS_LOST\":\"3\"}"}, GAP_LOST},
        /* others may write what they like */
        {{"{\"SYSLOG_IDENTIFIER\":\"keyd\",\"_SYSTEMD_UNIT\":\"cron.service\",\"MIDTLS_EVENT\":\"signature\",\"MIDTLS_CALL_ID\":\"1\"}"}, _GAP_MAX},
        {{"{\"SYSLOG_IDENTIFIER\":\"keyd\",\"_BOOT_ID\":\"1\",\"MIDTLS_EVENT\":\"signature\",\"MIDTLS_CALL_ID\":\"1\"}"}, _GAP_MAX},
        {{"{\"SYSLOG_IDENTIFIER\":\"calld\",\"MIDTLS_EVENT\":\"signature\",\"MIDTLS_CALL_ID\":\"1\"}"}, _GAP_MAX},
        {{SIGNATURE("1"), "{\"SYSLOG_IDENTIFIER\":\"keyd\",\"MIDTLS_EVENT\":\"call\",\"MIDTLS_CALL_ID\":\"1\",\"MIDTLS_SIGNATURES\":\"1\"}"},
         GAP_NO_CALL},
        {{"{\"SYSLOG_IDENTIFIER\":\"x\",\"_SYSTEMD_UNIT\":\"midtls-keyd.service\",\"MIDTLS_EVENT\":\"signature\",\"MIDTLS_CALL_ID\":\"1\"}"},
         GAP_NO_CALL},
};

static void add(Reconcile *c, const char *json) {
        _cleanup_(json_decrefp) json_t *record = json_loads(json, 0, NULL);

        assert_non_null(record);
        assert_int_equal(reconcile_add(c, record), 0);
}

static void check(const Expected *e, uint64_t since, uint64_t until, size_t n_wanted) {
        _cleanup_(reconcile_freep) Reconcile *c = NULL;
        const Gap *gaps;
        size_t n;

        assert_int_equal(reconcile_new(since, until, &c), 0);
        for (size_t i = 0; i < ARRAY_SIZE(e->records) && e->records[i]; i++)
                add(c, e->records[i]);
        assert_int_equal(reconcile_finish(c, &gaps, &n), 0);
        if (n != n_wanted || (n > 0 && gaps[0].kind != e->kind))
                fail_msg("%zu gaps, the first %s, after %s", n, n > 0 ? gap_to_string(gaps[0].kind) : "-", e->records[0]);
}

static void test_rows(void **state _unused_) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                check(&rows[i], 0, UINT64_MAX, rows[i].kind == _GAP_MAX ? 0 : 1);
}

/* A call counts by its beginning, 50 here; so does what belongs to it. */
static void test_window(void **state _unused_) {
        const Expected signature = {{SIGNATURE("1")}, GAP_NO_CALL}, call = {{CALL("1", "\"MIDTLS_SIGNATURES\":\"1\"")}, GAP_NO_SIGNATURE};

        check(&signature, 100, 100, 1);
        check(&signature, 101, UINT64_MAX, 0);
        check(&signature, 0, 99, 0);
        check(&call, 50, UINT64_MAX, 1);
        check(&call, 51, UINT64_MAX, 0);
        check(&call, 0, 50, 1);
        check(&call, 0, 49, 0);
}

static void test_order_and_text(void **state _unused_) {
        _cleanup_(reconcile_freep) Reconcile *c = NULL;
        _cleanup_(json_decrefp) json_t *json = NULL;
        _cleanup_free_ char *text = NULL;
        FILE *f = NULL;
        const Gap *gaps;
        size_t n, size;

        assert_int_equal(reconcile_new(0, UINT64_MAX, &c), 0);
        for (unsigned i = 0; i < 100; i++) {
                char record[512];

                snprintf(record, sizeof(record),
                         "{\"SYSLOG_IDENTIFIER\":\"keyd\",\"MIDTLS_EVENT\":\"signature\",\"__REALTIME_TIMESTAMP\":\"%u\","
                         "\"MIDTLS_ALIAS\":\"c\\u001b[2J\",\"MIDTLS_DESTINATION\":\"a:443\",\"MIDTLS_CALL_ID\":\"%u\"}",
                         1000000 * (1 + (i * 37) % 100), i);
                add(c, record);
        }
        assert_int_equal(reconcile_add_invalid(c), 0);
        assert_int_equal(reconcile_finish(c, &gaps, &n), 0);
        assert_int_equal(n, 101);
        assert_int_equal(gaps[0].kind, GAP_INVALID);
        for (size_t i = 1; i < n; i++)
                assert_true(gaps[i - 1].usec < gaps[i].usec);

        f = open_memstream(&text, &size);
        gap_print(&gaps[1], f, false);
        fclose(f);
        assert_string_equal(
                text, "1970-01-01 00:00:01 signature-without-call keyd signed 1, no call is recorded alias=c\\x1b[2J destination=a:443 call=0\n");
        json = gap_to_json(&gaps[1]);
        assert_string_equal(json_string_value(json_object_get(json, "gap")), "signature-without-call");
        assert_string_equal(json_string_value(json_object_get(json, "call_id")), "0");
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_window), cmocka_unit_test(test_order_and_text)};

        setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
