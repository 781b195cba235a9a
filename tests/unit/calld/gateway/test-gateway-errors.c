/* SPDX-License-Identifier: Apache-2.0 */

/* Every failure that can be made here has its code, and a record with the same code */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/calld/gateway/check.h"

typedef struct ErrorRow {
        const char *alias, *method, *target, *fields;
        unsigned status;
        const char *code, *proxy_error;
} ErrorRow;

static const ErrorRow error_rows[] = {
        {"unheard", "GET", "/x", "", 404, "alias-unknown", "destination_not_found"},
        {"base", "GET", "/../v1/x", "", 400, "request-invalid", "http_request_error"},
        {"base", "GET", "/a/..%2f..%2fx", "", 400, "request-invalid", "http_request_error"},
        {"tls13", "GET", "/x", "Host: tls12\r\n", 400, "request-invalid", "http_request_error"},
        {"tls13", "GET", "/x", "Midtls-Timeout: soon\r\n", 400, "request-invalid", "http_request_error"},
        {"tls13", "GET", "/x", "Midtls-Tiemout: 1s\r\n", 400, "request-invalid", "http_request_error"},
        {"tls13", "BREW", "/x", "", 400, "request-invalid", "http_request_error"},
        {"tls13", "GET", "/x", "Bad Name: 1\r\n", 400, "request-invalid", "http_request_error"},
        {"denied", "GET", "/x", "", 403, "caller-denied", "http_request_denied"},
        {"paths", "POST", "/bytes/1", "", 403, "caller-denied", "http_request_denied"},
        {"paths", "GET", "/tell", "", 403, "caller-denied", "http_request_denied"},
        {"closed", "GET", "/x", "", 502, "connect-failed", "connection_refused"},
        {"broken", "GET", "/x", "", 503, "key-unavailable", "proxy_configuration_error"},
        {"nobody", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"nobody", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"nobody12", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"nobody12", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"refuses12", "GET", "/x", "", 502, "client-certificate-rejected", "tls_alert_received"},
        {"refuses13", "GET", "/x", "", 502, "client-certificate-rejected", "tls_alert_received"},
        {"stranger", "GET", "/x", "", 502, "server-certificate", "tls_certificate_error"},
        {"wrongname", "GET", "/x", "", 502, "server-certificate", "tls_certificate_error"},
        {"strict", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"plain", "GET", "/x", "", 502, "tls-failed", "tls_protocol_error"},
        {"mute", "GET", "/x", "", 504, "connect-failed", "connection_timeout"},
        {"address", "GET", "/x", "", 502, "address-denied", "destination_ip_prohibited"},
        {"nodns", "GET", "/x", "", 502, "dns-failed", "dns_error"},
        {"slow", "GET", "/silent", "", 504, "timeout", "http_response_timeout"},
        {"tls12", "GET", "/silent", "Midtls-Timeout: 1s\r\n", 504, "timeout", "http_response_timeout"},
        {"tls13", "GET", "/garbage", "", 502, "response-invalid", "http_protocol_error"},
        {"small", "GET", "/bytes/5000", "", 502, "response-too-large", "http_response_body_size"},
        {"tls13", "POST", "/x", "Midtls-Soap: 1.1\r\nMidtls-Soap-Action: a b\r\nMidtls-Soap-Addressing: 1.0\r\nContent-Length: 0\r\n", 400,
         "request-invalid", "http_request_error"},
        {"tls13", "GET", "/x", "Midtls-Soap-Action: u\r\n", 400, "request-invalid", "http_request_error"},
};

static void test_errors(void **state) {
        Rig *r = *state;
        unsigned before = r->keyd->n_requests;

        for (size_t i = 0; i < ARRAY_SIZE(error_rows); i++) {
                const ErrorRow *row = &error_rows[i];
                ANSWER(a);

                rig_call(r, row->alias, row->method, row->target, row->fields, NO_BODY, &a);
                assert_problem(r, &a, row->status, row->code, row->proxy_error);
        }
        assert_true(r->keyd->n_requests >= before);
        assert_int_equal(r->nobody->n_requests + r->nobody12->n_requests, 0);
        rig_wait_log(r, "\"MIDTLS_EVENT\":\"caller-denied\"", "\"MIDTLS_ALIAS\":\"denied\"");
}

static void test_too_large(void **state) {
        Rig *r = *state;
        _cleanup_free_ uint8_t *data = pattern(5000);
        _cleanup_free_ char *fields = malloc(40000);
        _cleanup_fd_ int fd = http_connect(r->socket);
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);

        rig_call(r, "small", "POST", "/echo", "", span_make(data, 5000), &a);
        assert_problem(r, &a, 413, "request-too-large", "http_request_error");

        http_send_text(fd, "POST /echo HTTP/1.1\r\nHost: small\r\nTransfer-Encoding: chunked\r\n\r\n");
        send_chunks(fd, data, 5000);
        http_receive(fd, false, &b);
        assert_problem(r, &b, 413, "request-too-large", "http_request_error");

        snprintf(fields, 40000, "X-Large: %020000d\r\n", 1);
        rig_call(r, "tls13", "GET", "/x", fields, NO_BODY, &c);
        assert_problem(r, &c, 431, "request-too-large", "http_request_error");
}

/* Either a 502 of ours, or, when the header was out already, a cut connection; never a whole answer. */
static void test_cut(void **state) {
        static const char *const targets[] = {"/truncated", "/cut-chunks", "/no-length-cut"};
        Rig *r = *state;
        ANSWER(whole);

        for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                ANSWER(a);

                rig_call(r, "tls13", "GET", targets[i], "", NO_BODY, &a);
                assert_true(a.cut || a.status == 502);
                if (a.status != 0)
                        rig_wait_log(r, http_field(&a, "Midtls-Call-Id", 0), "\"MIDTLS_REASON\":\"response-invalid\"");
        }

        rig_call(r, "tls13", "GET", "/no-length", "", NO_BODY, &whole);
        assert_int_equal(whole.status, 200);
        assert_body(&whole, "all there is", 12);
}

/* Requests that could be framed otherwise by somebody else, and what is no HTTP at all. */
static void test_smuggling(void **state) {
        static const char *const requests[] = {
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: identity\r\n\r\nabc",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: x\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                "GET /x HTTP/1.1\r\nHost: tls13\r\nno colon\r\n\r\n",
        };
        Rig *r = *state;
        unsigned before = r->tls13->n_requests;
        _cleanup_fd_ int fd = http_connect(r->socket);
        ANSWER(garbage);

        for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
                _cleanup_fd_ int other = http_connect(r->socket);
                ANSWER(a);

                http_send_text(other, "%s", requests[i]);
                http_receive(other, false, &a);
                assert_int_equal(a.status, 400);
        }
        http_send_text(fd, "\x16\x03\x01 hello\r\n\r\n");
        http_receive(fd, false, &garbage);
        assert_true(garbage.status == 0 || garbage.status >= 400);
        assert_int_equal(r->tls13->n_requests, before);
}

static void test_header_timeout(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket), silent = http_connect(r->socket);
        ANSWER(a);
        ANSWER(b);

        http_send_text(fd, "GET /x HTTP/1.1\r\nHost: tls13\r\n");
        http_receive(fd, false, &a);
        assert_problem(r, &a, 408, "request-timeout", "http_request_error");
        http_receive(silent, false, &b);
        assert_int_equal(b.status, 408);
}

/* IdleTimeout=: between two requests, and in the middle of a body. */
static void test_idle_timeout(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket), stuck = http_connect(r->socket);
        char end;
        ANSWER(a);
        ANSWER(b);

        http_send_text(fd, "GET /bytes/3 HTTP/1.1\r\nHost: tls13\r\n\r\n");
        http_send_text(stuck, "POST /echo HTTP/1.1\r\nHost: tls12\r\nContent-Length: 10\r\n\r\nabc");
        http_receive(fd, false, &a);
        assert_int_equal(a.status, 200);
        assert_int_equal(recv(fd, &end, 1, 0), 0);
        http_receive(stuck, false, &b);
        assert_int_equal(b.status, 0);
        rig_wait_log(r, "the caller went away", "\"MIDTLS_ALIAS\":\"tls12\"");
}

/* A caller that goes away ends its call. */
static void test_caller_gone(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket);
        unsigned before = r->tls13->n_requests;
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);

        http_send_text(fd, "GET /silent HTTP/1.1\r\nHost: slow\r\nMidtls-Timeout: 900ms\r\n\r\n");
        while (r->tls13->n_requests == before)
                assert_true(now_usec() < deadline);
        close_fdp(&fd);
        rig_wait_log(r, "the caller went away", "\"MIDTLS_ALIAS\":\"slow\"");
}

/* Three calls of a user, five of all: callers over TCP are one other user. */
static void test_overloaded(void **state) {
        _cleanup_fd_ int last = -1;
        Rig *r = *state;
        int fds[3], others[2];
        ANSWER(a);
        ANSWER(b);

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = http_connect(r->socket);
                http_send_text(fds[i], "GET /silent HTTP/1.1\r\nHost: tls12\r\n\r\n");
        }
        rig_wait_calls(r, ARRAY_SIZE(fds));
        rig_call(r, "tls13", "GET", "/x", "", NO_BODY, &a);
        assert_problem(r, &a, 429, "overloaded", "connection_limit_reached");
        assert_string_equal(http_field(&a, "Retry-After", 0), "1");

        for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
                others[i] = http_connect_tcp(r->tcp_port);
                http_send_text(others[i], "GET /silent HTTP/1.1\r\nHost: open\r\n" RIG_TOKEN_FIELD "\r\n");
        }
        rig_wait_calls(r, ARRAY_SIZE(fds) + ARRAY_SIZE(others));
        last = http_connect_tcp(r->tcp_port);
        http_send_text(last, "GET /x HTTP/1.1\r\nHost: open\r\n" RIG_TOKEN_FIELD "\r\n");
        http_receive(last, false, &b);
        assert_problem(r, &b, 503, "overloaded", "connection_limit_reached");

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                close(others[i]);
        for (unsigned i = 0; i < 3; i++)
                rig_wait_log(r, "the caller went away", "\"MIDTLS_ALIAS\":\"tls12\"");
        for (unsigned i = 0; i < 2; i++)
                rig_wait_log(r, "the caller went away", "\"MIDTLS_ALIAS\":\"open\"");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors),      cmocka_unit_test(test_too_large),      cmocka_unit_test(test_cut),
                cmocka_unit_test(test_smuggling),   cmocka_unit_test(test_header_timeout), cmocka_unit_test(test_idle_timeout),
                cmocka_unit_test(test_caller_gone), cmocka_unit_test(test_overloaded),
        };

        return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
