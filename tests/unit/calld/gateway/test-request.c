/* SPDX-License-Identifier: Apache-2.0 */

/* Options, fields that stop, and how errors are put */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <string.h>

#include "calld/gateway/metrics.h"
#include "calld/gateway/problem.h"
#include "calld/gateway/request.h"
#include "calld/gateway/tcp.h"
#include "calld/gateway/users.h"

typedef struct OptionRow {
        const char *name, *value;
        int result;
} OptionRow;

static const OptionRow option_rows[] = {
        {"Midtls-Timeout", "30s", 0},      {"midtls-timeout", "1min 5s", 0},  {"Midtls-Timeout", "0", 1}, {"Midtls-Timeout", "soon", 1},
        {"Midtls-Timeout", "-1s", 1},      {"Midtls-Timeout", "", 1},         {"Midtls-Retry", "off", 0}, {"Midtls-Retry", "on", 1},
        {"Midtls-Soap", "1.1", 0},         {"Midtls-Soap", "1.2", 0},         {"Midtls-Soap", "1.3", 1},  {"Midtls-Soap-Action", "urn:x#Get", 0},
        {"Midtls-Soap-Action", "a\"b", 1}, {"Midtls-Soap-Action", "a\\b", 1}, {"Midtls-Call-Id", "x", 1}, {"Midtls-", "x", 1},
};

static void test_options(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(option_rows); i++) {
                RequestOptions o = {};
                CallError e = {};
                int r = option_take(&o, option_rows[i].name, option_rows[i].value, &e);

                if (r != option_rows[i].result)
                        fail_msg("%s: %s", option_rows[i].name, option_rows[i].value);
                assert_true(option_is_ours(option_rows[i].name));
                assert_int_equal(e.code, r ? CALL_REQUEST_INVALID : CALL_OK);
                if (r)
                        assert_non_null(strcasestr(e.detail, option_rows[i].name));
        }
        assert_false(option_is_ours("Midtl-Timeout"));
}

static void test_options_twice(void **state) {
        RequestOptions o = {};
        CallError e;

        (void) state;
        assert_int_equal(option_take(&o, "Midtls-Timeout", "3s", &e), 0);
        assert_true(o.timeout_usec == 3 * USEC_PER_SEC);
        assert_int_equal(option_take(&o, "Midtls-Timeout", "2s", &e), 1);
}

static void test_fields(void **state) {
        static const char *const stop[] = {
                "connection", "Keep-Alive", "Proxy-Authorization", "proxy-x",        "TE",    "Trailer", "Transfer-Encoding",
                "Upgrade",    "Host",       "Midtls-Timeout",      "Content-Length", "X-Hop", "x-other"};
        static const char *const pass[] = {"Accept", "Authorization", "Content-Type", "X-Ho", "X-Hopp", "Cookie", "Via", "close"};
        static const char *const values[] = {"close , X-Hop", "x-OTHER"};

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(stop); i++)
                assert_true(request_field_stops(stop[i], values, ARRAY_SIZE(values)));
        for (size_t i = 0; i + 1 < ARRAY_SIZE(pass); i++)
                assert_false(request_field_stops(pass[i], values, ARRAY_SIZE(values)));
        assert_true(request_field_stops("close", values, ARRAY_SIZE(values)));
        assert_false(request_field_stops("X-Hop", NULL, 0));
}

static void test_proxy_status(void **state) {
        char text[768];
        CallError e;

        (void) state;
        call_error_set(&e, CALL_ALIAS_UNKNOWN, NULL, "no \"x\" or \\ or \x01\xc3\xa4");
        call_error_proxy_status(&e, text, sizeof(text));
        assert_string_equal(text, "midtls; error=destination_not_found; details=\"no \\\"x\\\" or \\\\ or ???\"");

        call_error_set(&e, CALL_CLIENT_CERTIFICATE_REJECTED, NULL, "no");
        e.alert = "bad_certificate";
        e.alert_id = 42;
        call_error_proxy_status(&e, text, sizeof(text));
        assert_string_equal(text, "midtls; error=tls_alert_received; alert-id=42; alert-message=\"bad_certificate\"; details=\"no\"");

        call_error_set(&e, CALL_TIMEOUT, NULL, "%0500d", 0);
        memset(e.detail, '"', sizeof(e.detail) - 1);
        call_error_proxy_status(&e, text, 128);
        assert_true(strlen(text) < 128);
        assert_int_equal(text[strlen(text) - 1], '"');
}

static void test_problem(void **state) {
        _cleanup_free_ char *text = NULL;
        json_t *problem;
        CallError e;

        (void) state;
        call_error_set(&e, CALL_OVERLOADED, NULL, "too \xff many");
        e.status = 429;
        text = call_error_json(&e, "the-id");
        problem = json_loads(text, 0, NULL);
        assert_non_null(problem);
        assert_string_equal(json_string_value(json_object_get(problem, "type")), "urn:midtls:error:overloaded");
        assert_string_equal(json_string_value(json_object_get(problem, "detail")), "too ? many");
        assert_string_equal(json_string_value(json_object_get(problem, "call_id")), "the-id");
        assert_int_equal(json_integer_value(json_object_get(problem, "status")), 429);
        assert_true(strlen(json_string_value(json_object_get(problem, "hint"))) > 0);
        assert_true(strlen(json_string_value(json_object_get(problem, "title"))) > 0);
        json_decref(problem);
}

static void test_users(void **state) {
        Users users = {};

        (void) state;
        users_get(&users, 5)->n_calls = 1;
        users_get(&users, 6)->n_connections = 2;
        users_get(&users, 7)->n_calls = 3;
        assert_int_equal(users.n_items, 3);
        users_tidy(&users, 6);
        assert_int_equal(users.n_items, 3);
        users_get(&users, 5)->n_calls = 0;
        users_tidy(&users, 5);
        assert_int_equal(users.n_items, 2);
        assert_int_equal(users_get(&users, 7)->n_calls, 3);
        assert_int_equal(users_get(&users, 6)->n_connections, 2);
        users_done(&users);
}

static char *format(const Metrics *m, MetricsForm form) {
        _cleanup_(buf_done) Buf text = BUF_INIT(65536);
        MetricsNow now = {.n_calls = 2,
                          .n_workers = 3,
                          .n_draining = 4,
                          .configuration_usec = 1500000,
                          .keyd_up = true,
                          .sandbox = "syscall filter; no Landlock",
                          .directory = &(Directory) {}};
        char *copy;

        assert_int_equal(metrics_format(m, &now, form, &text), 0);
        copy = strndup((char *) text.data, text.size);
        assert_non_null(copy);
        return copy;
}

static void test_metrics(void **state) {
        static const char *const lines[] = {
                "\n# TYPE midtls_call_sent_bytes counter\n# UNIT midtls_call_sent_bytes bytes\n",
                "\nmidtls_calls_total{alias=\"crm\",code=\"ok\"} 1\n",
                "\nmidtls_calls_total{alias=\"crm\",code=\"timeout\"} 1\n",
                "\nmidtls_calls_total{alias=\"\",code=\"alias-unknown\"} 1\n",
                "\nmidtls_call_received_bytes_total 14\n",
                "\nmidtls_call_duration_seconds_bucket{le=\"0.005\"} 2\n",
                "\nmidtls_call_duration_seconds_bucket{le=\"2.5\"} 3\n",
                "\nmidtls_call_duration_seconds_bucket{le=\"+Inf\"} 3\n",
                "\nmidtls_call_duration_seconds_sum 2.000010\n",
                "\nmidtls_signature_seconds_sum 0.000600\n",
                "\nmidtls_signature_seconds_count 4\n",
                "\nmidtls_signature_queue_seconds_sum 0.000200\n",
                "\nmidtls_signature_execution_seconds_sum 0.000400\n",
                "\nmidtls_signature_execution_seconds_count 2\n",
                "\nmidtls_handshakes_total{kind=\"full\"} 2\n",
                "\nmidtls_signatures_refused_total{reason=\"sni\"} 2\n",
                "\nmidtls_keyd_up 1\n",
                "\nmidtls_sandbox{level=\"syscall filter; no Landlock\"} 1\n",
                "\nmidtls_connections_draining 4\n",
                "\nmidtls_configuration_timestamp_seconds 1.500000\n",
        };
        CallReport report = {.bytes_in = 7,
                             .n_signatures = 1,
                             .n_asked = 2,
                             .sign_usec = 300,
                             .queue_usec = 100,
                             .keyd_usec = 200,
                             .refused = true,
                             .refusal_code = REFUSAL_SNI};
        _cleanup_(metrics_done) Metrics m = {};
        _cleanup_free_ char *text = NULL, *plain = NULL;

        (void) state;
        metrics_count(&m, SPAN_LITERAL("crm"), CALL_OK, &report, 10);
        metrics_count(&m, SPAN_LITERAL("crm"), CALL_TIMEOUT, &report, 2000000);
        metrics_count(&m, (Span) {}, CALL_ALIAS_UNKNOWN, &(CallReport) {}, 0);
        text = format(&m, METRICS_OPENMETRICS);
        for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
                if (!strstr(text, lines[i]))
                        fail_msg("no %s", lines[i]);
        assert_string_equal(text + strlen(text) - 7, "\n# EOF\n");

        plain = format(&m, METRICS_PLAIN);
        assert_non_null(strstr(plain, "# TYPE midtls_calls_total counter\n# HELP midtls_calls_total "));
        assert_null(strstr(plain, "# EOF"));
        assert_null(strstr(plain, "# UNIT"));
}

/* More connections than have counters: their calls are counted all the same, and said to be missing. */
static void test_metrics_bound(void **state) {
        _cleanup_(metrics_done) Metrics m = {}, copy = {};

        (void) state;
        for (unsigned k = 0; k < 2; k++)
                for (unsigned i = 0; i < METRICS_ALIASES_MAX + 5; i++) {
                        char alias[16];

                        snprintf(alias, sizeof(alias), "a%u", i * 7919 % (METRICS_ALIASES_MAX + 5));
                        metrics_count(&m, span_from_string(alias), CALL_OK, &(CallReport) {}, 1);
                }
        assert_int_equal(m.n_aliases, METRICS_ALIASES_MAX);
        assert_int_equal(m.n_lost, 10);
        assert_int_equal(m.calls.n, 2 * (METRICS_ALIASES_MAX + 5));
        assert_int_equal(metrics_copy(&m, &copy), 0);
        for (size_t i = 0; i < copy.n_aliases; i++) {
                assert_int_equal(copy.aliases[i].n_by_code[CALL_OK], 2);
                assert_true(i == 0 || strcmp(copy.aliases[i - 1].alias, copy.aliases[i].alias) < 0);
        }
}

static void test_token(void **state) {
        char long_one[PROTO_TEXT_MAX + 2];

        (void) state;
        memset(long_one, 'x', sizeof(long_one) - 1);
        long_one[sizeof(long_one) - 1] = '\0';
        assert_true(tcp_token_matches(SPAN_LITERAL("token"), "token"));
        assert_false(tcp_token_matches(SPAN_LITERAL("token"), "tokem"));
        assert_false(tcp_token_matches(SPAN_LITERAL("token"), "tokens"));
        assert_false(tcp_token_matches(SPAN_LITERAL("token"), NULL));
        assert_false(tcp_token_matches((Span) {}, NULL));
        assert_false(tcp_token_matches((Span) {}, ""));
        assert_false(tcp_token_matches(SPAN_LITERAL("token"), long_one));
        assert_false(tcp_token_matches(span_from_string(long_one), long_one));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options),      cmocka_unit_test(test_options_twice), cmocka_unit_test(test_fields),
                cmocka_unit_test(test_proxy_status), cmocka_unit_test(test_problem),       cmocka_unit_test(test_users),
                cmocka_unit_test(test_token),        cmocka_unit_test(test_metrics),       cmocka_unit_test(test_metrics_bound),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
