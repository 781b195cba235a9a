/* SPDX-License-Identifier: Apache-2.0 */

/* The built calld from end to end: callers on one side, a keyd that signs and TLS servers on the other */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "tests/unit/calld/gateway/rig.h"

#define ANSWER(name) _cleanup_(http_answer_done) HttpAnswer name = HTTP_ANSWER_INIT

static const Span none = {};

static int set_up(void **state) {
        *state = rig_new();
        return 0;
}

static int tear_down(void **state) {
        *state = rig_free(*state);
        return 0;
}

static void assert_body(const HttpAnswer *a, const void *data, size_t size) {
        assert_false(a->cut);
        assert_int_equal(a->body.size, size);
        if (size > 0)
                assert_memory_equal(a->body.data, data, size);
}

static bool head_has(const HttpAnswer *a, const char *text) {
        return a->head.data && strstr((const char *) a->head.data, text);
}

static bool body_has(HttpAnswer *a, const char *text) {
        return a->body.size > 0 && memmem(a->body.data, a->body.size, text, strlen(text));
}

/* An answer of our own: status, code, Proxy-Status, and the record with the same code. */
static void assert_problem(Rig *r, HttpAnswer *a, unsigned status, const char *code, const char *proxy_error) {
        char type[96], reason[96], proxy[96];

        snprintf(type, sizeof(type), "\"urn:midtls:error:%s\"", code);
        snprintf(reason, sizeof(reason), "\"MIDTLS_REASON\":\"%s\"", code);
        snprintf(proxy, sizeof(proxy), "Proxy-Status: midtls; error=%s; ", proxy_error);
        if (a->status != status || !body_has(a, type) || !head_has(a, proxy))
                print_error("status %u, head %s, body %.*s\n", a->status, (const char *) a->head.data, (int) a->body.size,
                            (const char *) a->body.data);
        assert_int_equal(a->status, status);
        assert_true(body_has(a, type));
        assert_true(head_has(a, proxy));
        assert_true(head_has(a, "Content-Type: application/problem+json\r\n"));
        rig_wait_log(r, http_field(a, "Midtls-Call-Id", 0), reason);
}

static void test_get(void **state) {
        static const char *const aliases[] = {"tls12", "tls13"};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                ANSWER(a);

                rig_call(r, aliases[i], "GET", "/tell/me?q=%20a+b&q=..%2f", "X-Many: 1\r\nAccept: text/x\r\nX-Many: 2\r\nConnection: X-Hop\r\nX-Hop: x\r\n"
                         "TE: trailers\r\nProxy-Authorization: x\r\nMidtls-Timeout: 20s\r\n", none, &a);
                assert_int_equal(a.status, 200);
                assert_true(body_has(&a, "GET /tell/me?q=%20a+b&q=..%2f HTTP/1.1\r\n"));
                assert_true(body_has(&a, "X-Many: 1\r\nAccept: text/x\r\nX-Many: 2\r\n"));
                assert_false(body_has(&a, "X-Hop"));
                assert_false(body_has(&a, "TE:"));
                assert_false(body_has(&a, "Proxy-"));
                assert_false(body_has(&a, "Midtls"));
                assert_false(body_has(&a, "User-Agent"));
                assert_true(body_has(&a, "Host: localhost:"));
                assert_int_equal(strlen(http_field(&a, "Midtls-Call-Id", 0)), 36);
                assert_null(http_field(&a, "Proxy-Status", 0));
                rig_wait_log(r, http_field(&a, "Midtls-Call-Id", 0), "\"MIDTLS_VERDICT\":\"ok\"");
        }
        assert_int_equal(r->keyd->n_signatures, 2);
}

static void test_headers(void **state) {
        Rig *r = *state;
        ANSWER(a);
        ANSWER(b);

        rig_call(r, "tls13", "GET", "/tell", "", none, &a);
        assert_true(body_has(&a, "X-Tenant: 42\r\n"));
        rig_call(r, "tls13", "POST", "/echo", "", SPAN_LITERAL("hello"), &b);
        assert_body(&b, "hello", 5);
        assert_string_equal(http_field(&b, "X-Many", 0), "one");
        assert_string_equal(http_field(&b, "X-Many", 1), "two");
        assert_null(http_field(&b, "X-Hop", 0));
}

static void test_head_and_statuses(void **state) {
        static const unsigned statuses[] = {201, 204, 301, 304, 400, 404, 500, 503};
        Rig *r = *state;
        ANSWER(h);

        rig_call(r, "tls12", "HEAD", "/bytes/1234", "", none, &h);
        assert_int_equal(h.status, 200);
        assert_string_equal(http_field(&h, "Content-Length", 0), "1234");

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                char target[32];
                ANSWER(a);

                snprintf(target, sizeof(target), "/status/%u", statuses[i]);
                rig_call(r, "tls13", "GET", target, "", none, &a);
                assert_int_equal(a.status, statuses[i]);
                assert_string_equal(http_field(&a, "X-Status", 0), "yes");
                assert_null(http_field(&a, "Proxy-Status", 0));
                assert_int_equal(a.body.size, statuses[i] == 204 || statuses[i] == 304 ? 0 : 4);
        }
}

static uint8_t *pattern(size_t size) {
        uint8_t *data = malloc(size + 1);

        ASSERT(data);
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) (i * 7 + i / 251);
        return data;
}

static void test_bodies(void **state) {
        static const char *const aliases[] = {"tls12", "tls13"};
        static const size_t sizes[] = {0, 1, 1000, 200000, 5 * 1024 * 1024};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(aliases) * ARRAY_SIZE(sizes); i++) {
                const char *alias = aliases[i % 2];
                size_t size = sizes[i / 2];
                _cleanup_free_ uint8_t *data = pattern(size);
                char target[64];
                ANSWER(up);
                ANSWER(down);
                ANSWER(chunked);

                rig_call(r, alias, "PUT", "/echo", "", span_make(data, size), &up);
                assert_int_equal(up.status, 200);
                assert_body(&up, data, size);
                snprintf(target, sizeof(target), "/bytes/%zu", size);
                rig_call(r, alias, "GET", target, "", none, &down);
                assert_body(&down, data, size);
                snprintf(target, sizeof(target), "/chunked/%zu", size);
                rig_call(r, alias, "GET", target, "", none, &chunked);
                assert_string_equal(http_field(&chunked, "Transfer-Encoding", 0), "chunked");
                assert_body(&chunked, data, size);
        }
}

static void send_chunks(int fd, const uint8_t *data, size_t size) {
        while (size > 0) {
                size_t n = MIN_OF(size, 30000U);

                http_send_text(fd, "%zx\r\n", n);
                http_send(fd, data, n);
                http_send_text(fd, "\r\n");
                data += n;
                size -= n;
        }
        http_send_text(fd, "0\r\n\r\n");
}

static void test_chunked_upload(void **state) {
        static const size_t sizes[] = {0, 1, 1000, 5 * 1024 * 1024};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
                _cleanup_fd_ int fd = http_connect(r->socket);
                _cleanup_free_ uint8_t *data = pattern(sizes[i]);
                ANSWER(a);

                http_send_text(fd, "POST /echo-chunked HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: chunked\r\n\r\n");
                send_chunks(fd, data, sizes[i]);
                http_receive(fd, false, &a);
                assert_int_equal(a.status, 200);
                assert_body(&a, data, sizes[i]);
        }
}

static void test_expect_continue(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket), other = http_connect(r->socket);
        char line[32] = {};
        ANSWER(a);
        ANSWER(b);

        http_send_text(fd, "POST /echo HTTP/1.1\r\nHost: tls13\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        assert_int_equal(recv(fd, line, 25, MSG_WAITALL), 25);
        assert_string_equal(line, "HTTP/1.1 100 Continue\r\n\r\n");
        http_send_text(fd, "hello");
        http_receive(fd, false, &a);
        assert_body(&a, "hello", 5);

        /* refused before the body */
        http_send_text(other, "POST /echo HTTP/1.1\r\nHost: unheard\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
        http_receive(other, false, &b);
        assert_problem(r, &b, 404, "alias-unknown", "destination_not_found");
}

/* One connection of the caller, one of calld's: the handshake happens once. */
static void test_kept(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket);
        unsigned before = r->keyd->n_signatures, connections = r->tls13->n_connections;

        for (unsigned i = 0; i < 20; i++) {
                ANSWER(a);

                http_send_text(fd, "GET /bytes/%u HTTP/1.1\r\nHost: base\r\n\r\n", i);
                http_receive(fd, false, &a);
                assert_int_equal(a.status, 200);
                assert_false(a.cut);
        }
        assert_true(r->keyd->n_signatures - before <= 1);
        assert_true(r->tls13->n_connections - connections <= 1);
        rig_wait_log(r, "\"MIDTLS_REUSED\":\"1\"", "\"MIDTLS_ALIAS\":\"base\"");
}

/* A body that was dropped does not end the caller's connection. */
static void test_kept_after_error(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket);
        ANSWER(a);
        ANSWER(b);

        http_send_text(fd, "POST /x HTTP/1.1\r\nHost: unheard\r\nContent-Length: 5\r\n\r\nhello");
        http_receive(fd, false, &a);
        assert_problem(r, &a, 404, "alias-unknown", "destination_not_found");
        http_send_text(fd, "GET /bytes/3 HTTP/1.1\r\nHost: tls13\r\n\r\n");
        http_receive(fd, false, &b);
        assert_int_equal(b.status, 200);
}

static void test_addressing(void **state) {
        Rig *r = *state;
        char target[128];
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);

        rig_call(r, "other", "GET", "http://base/tell?a=b", "", none, &a);
        assert_true(body_has(&a, "GET /api/v2/tell?a=b HTTP/1.1\r\n"));
        snprintf(target, sizeof(target), "mauth://localhost:%u/api/v2/tell?a=b", r->tls13->port);
        rig_call(r, "localhost", "GET", target, "", none, &b);
        assert_true(body_has(&b, "GET /api/v2/tell?a=b HTTP/1.1\r\n"));
        rig_wait_log(r, http_field(&b, "Midtls-Call-Id", 0), "\"MIDTLS_ALIAS\":\"base\"");
        rig_call(r, "x", "GET", "mauth://elsewhere.test/x", "", none, &c);
        assert_problem(r, &c, 404, "alias-unknown", "destination_not_found");
}

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
        {"slow", "GET", "/silent", "", 504, "timeout", "http_response_timeout"},
        {"tls12", "GET", "/silent", "Midtls-Timeout: 1s\r\n", 504, "timeout", "http_response_timeout"},
        {"tls13", "GET", "/garbage", "", 502, "response-invalid", "http_protocol_error"},
        {"small", "GET", "/bytes/5000", "", 502, "response-too-large", "http_response_body_size"},
        {"tls13", "GET", "/x", "Midtls-Soap-Action: u\r\n", 400, "request-invalid", "http_request_error"},
};

static void test_errors(void **state) {
        Rig *r = *state;
        unsigned before = r->keyd->n_requests;

        for (size_t i = 0; i < ARRAY_SIZE(error_rows); i++) {
                const ErrorRow *row = &error_rows[i];
                ANSWER(a);

                rig_call(r, row->alias, row->method, row->target, row->fields, none, &a);
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
        rig_call(r, "tls13", "GET", "/x", fields, none, &c);
        assert_problem(r, &c, 431, "request-too-large", "http_request_error");
}

/* Either a 502 of ours, or, when the header was out already, a cut connection; never a whole answer. */
static void test_cut(void **state) {
        static const char *const targets[] = {"/truncated", "/cut-chunks"};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
                ANSWER(a);

                rig_call(r, "tls13", "GET", targets[i], "", none, &a);
                assert_true(a.cut || a.status == 502);
                if (a.status != 0)
                        rig_wait_log(r, http_field(&a, "Midtls-Call-Id", 0), "\"MIDTLS_REASON\":\"response-invalid\"");
        }
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

static void test_overloaded(void **state) {
        Rig *r = *state;
        int fds[3];
        ANSWER(a);

        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = http_connect(r->socket);
                http_send_text(fds[i], "GET /silent HTTP/1.1\r\nHost: tls12\r\n\r\n");
        }
        /* they are read in the order they came */
        rig_call(r, "tls13", "GET", "/x", "", none, &a);
        assert_problem(r, &a, 429, "overloaded", "connection_limit_reached");
        assert_string_equal(http_field(&a, "Retry-After", 0), "1");
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                close(fds[i]);
        for (unsigned i = 0; i < 3; i++)
                rig_wait_log(r, "the caller went away", "\"MIDTLS_ALIAS\":\"tls12\"");
}

static void test_soap(void **state) {
        Rig *r = *state;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);
        ANSWER(d);

        rig_call(r, "tls13", "POST", "/soap", "Midtls-Soap: 1.1\r\nMidtls-Soap-Action: urn:x#Get\r\nContent-Type: text/plain\r\n",
                 SPAN_LITERAL("<q:Get xmlns:q=\"urn:q\">4&amp;2</q:Get>"), &a);
        assert_int_equal(a.status, 200);
        assert_true(body_has(&a, "<soap:Body><q:Get xmlns:q=\"urn:q\">4&amp;2</q:Get></soap:Body>"));
        rig_call(r, "tls13", "POST", "/tell", "Midtls-Soap: 1.1\r\nMidtls-Soap-Action: urn:x#Get\r\nContent-Type: text/plain\r\n",
                 SPAN_LITERAL("<a/>"), &b);
        assert_true(body_has(&b, "Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"urn:x#Get\"\r\n"));
        assert_false(body_has(&b, "text/plain"));
        rig_call(r, "tls13", "POST", "/fault", "Midtls-Soap: 1.1\r\n", SPAN_LITERAL("<a/>"), &c);
        assert_int_equal(c.status, 500);
        assert_string_equal(http_field(&c, "Midtls-Soap-Fault", 0), "Client");
        assert_string_equal(http_field(&c, "Midtls-Soap-Fault-String", 0), "no%20such%20incident%3A%207%25");
        assert_true(body_has(&c, "no such incident"));
        rig_call(r, "tls13", "POST", "/soap", "Midtls-Soap: 1.1\r\n", SPAN_LITERAL("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>"), &d);
        assert_problem(r, &d, 400, "request-invalid", "http_request_error");
}

static void test_reserved(void **state) {
        static const char *const paths[] = {"/connections", "/profiles", "/status", "/metrics", "/healthz", "/readyz"};
        static const char *const words[] = {"\"name\":\"broken\"", "\"mid\"", "\"keyd\":\"up\"", "# EOF\n", "ok", "ready"};
        Rig *r = *state;
        ANSWER(wrong);
        ANSWER(post);

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                ANSWER(a);

                rig_call(r, "midtls", "GET", paths[i], "", none, &a);
                assert_int_equal(a.status, 200);
                if (i != 1)
                        assert_true(body_has(&a, words[i]));
        }
        rig_call(r, "midtls", "GET", "/frobnicate", "", none, &wrong);
        assert_int_equal(wrong.status, 404);
        assert_true(body_has(&wrong, "urn:midtls:error:alias-unknown"));
        rig_call(r, "midtls", "POST", "/status", "", none, &post);
        assert_int_equal(post.status, 405);
}

static void test_steps(void **state) {
        Rig *r = *state;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);
        ANSWER(d);

        rig_call(r, "midtls", "POST", "/test/tls13", "", none, &a);
        assert_int_equal(a.status, 200);
        assert_true(body_has(&a, "\"ok\":true,\"steps\":[{\"name\":\"dns\",\"ok\":true"));
        assert_true(body_has(&a, "{\"name\":\"signature\",\"ok\":true"));
        assert_true(body_has(&a, "\"http_status\":200"));
        rig_call(r, "midtls", "POST", "/test/closed", "", none, &b);
        assert_true(body_has(&b, "{\"name\":\"tcp\",\"ok\":false"));
        assert_true(body_has(&b, "{\"name\":\"tls\",\"ok\":null"));
        rig_call(r, "midtls", "POST", "/test/nobody", "", none, &c);
        assert_true(body_has(&c, "{\"name\":\"certificate-request\",\"ok\":false"));
        rig_call(r, "midtls", "POST", "/test/broken", "", none, &d);
        assert_true(body_has(&d, "{\"name\":\"signature\",\"ok\":false"));
        assert_true(body_has(&d, "\"ok\":false,\"steps\""));
}

typedef struct TcpRow {
        const char *host, *target;
        unsigned status;
} TcpRow;

/* A caller over TCP is nobody: only what is for everybody is for it. */
static void test_tcp(void **state) {
        static const TcpRow rows[] = {
                {"midtls", "/healthz", 200}, {"midtls", "/status", 403}, {"midtls", "/connections", 403},
                {"tls13", "/x", 403},        {"denied", "/x", 403},      {"open", "/x", 200},
        };
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_fd_ int fd = http_connect_tcp(r->tcp_port);
                ANSWER(a);

                http_send_text(fd, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", rows[i].target, rows[i].host);
                http_receive(fd, false, &a);
                assert_int_equal(a.status, rows[i].status);
        }
}

/* Two requests in one write are answered in order; the older version of HTTP gets its answer and the end of the connection. */
static void test_pipeline_and_old(void **state) {
        Rig *r = *state;
        _cleanup_fd_ int fd = http_connect(r->socket), old = http_connect(r->socket), bare = http_connect(r->socket);
        char end;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);
        ANSWER(d);

        http_send_text(fd, "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: 3\r\n\r\noneGET /bytes/7 HTTP/1.1\r\nHost: tls12\r\n\r\n");
        http_receive(fd, false, &a);
        assert_body(&a, "one", 3);
        http_receive(fd, false, &b);
        assert_int_equal(b.body.size, 7);

        http_send_text(old, "GET /bytes/7 HTTP/1.0\r\nHost: tls12\r\n\r\n");
        http_receive(old, false, &c);
        assert_int_equal(c.body.size, 7);
        assert_int_equal(recv(old, &end, 1, 0), 0);

        http_send_text(bare, "GET /x HTTP/1.1\r\n\r\n");
        http_receive(bare, false, &d);
        assert_problem(r, &d, 400, "request-invalid", "http_request_error");
}

/* Requests that could be framed otherwise by somebody else, and what is no HTTP at all. */
static void test_smuggling(void **state) {
        static const char *const requests[] = {
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
                "POST /echo HTTP/1.1\r\nHost: tls13\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
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

/* Kept connections go on; a new one is refused at once. */
static void test_keyd_gone(void **state) {
        Rig *r = *state;
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);
        unsigned status;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);

        rig_call(r, "tls13", "GET", "/bytes/5", "", none, &a);
        assert_int_equal(a.status, 200);
        fake_keyd_stop(r->keyd);
        do {
                ANSWER(ready);

                rig_call(r, "midtls", "GET", "/readyz", "", none, &ready);
                status = ready.status;
                assert_true(now_usec() < deadline);
        } while (status != 503);

        rig_call(r, "tls13", "GET", "/bytes/5", "", none, &b);
        assert_int_equal(b.status, 200);
        rig_call(r, "paths", "GET", "/bytes/5", "", none, &c);
        assert_problem(r, &c, 503, "keyd-unavailable", "proxy_internal_error");

        fake_keyd_start(r->keyd);
        do {
                ANSWER(again);

                rig_call(r, "paths", "GET", "/bytes/5", "", none, &again);
                status = again.status;
                assert_true(now_usec() < deadline);
        } while (status != 200);
}

static void test_log_is_discreet(void **state) {
        static const char *const secrets[] = {"hush1", "hush2", "hush3"};
        Rig *r = *state;
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ANSWER(a);

        rig_call(r, "tls13", "POST", "/tell?token=hush1", "Authorization: Bearer hush2\r\n", SPAN_LITERAL("hush3"), &a);
        rig_wait_log(r, http_field(&a, "Midtls-Call-Id", 0), NULL);
        f = fopen(r->log, "re");
        assert_non_null(f);
        while (getline(&line, &size, f) > 0) {
                assert_int_equal(line[0], '{');
                for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
                        assert_null(strstr(line, secrets[i]));
        }
}

/* Last: a call under way is given its time, then everything ends with 0 (and, under a sanitizer, without leaks). */
static void test_end(void **state) {
        Rig *r = *state;
        _cleanup_fd_ _unused_ int idle = http_connect(r->socket);
        _cleanup_fd_ int busy = http_connect(r->socket);
        int status;

        http_send_text(busy, "GET /silent HTTP/1.1\r\nHost: tls13\r\n\r\n");
        status = rig_stop(r);
        if (status != 0)
                rig_show_reports(r);
        assert_int_equal(status, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),
                cmocka_unit_test(test_headers),
                cmocka_unit_test(test_head_and_statuses),
                cmocka_unit_test(test_bodies),
                cmocka_unit_test(test_chunked_upload),
                cmocka_unit_test(test_expect_continue),
                cmocka_unit_test(test_kept),
                cmocka_unit_test(test_kept_after_error),
                cmocka_unit_test(test_addressing),
                cmocka_unit_test(test_errors),
                cmocka_unit_test(test_too_large),
                cmocka_unit_test(test_cut),
                cmocka_unit_test(test_header_timeout),
                cmocka_unit_test(test_idle_timeout),
                cmocka_unit_test(test_caller_gone),
                cmocka_unit_test(test_overloaded),
                cmocka_unit_test(test_soap),
                cmocka_unit_test(test_reserved),
                cmocka_unit_test(test_steps),
                cmocka_unit_test(test_tcp),
                cmocka_unit_test(test_pipeline_and_old),
                cmocka_unit_test(test_smuggling),
                cmocka_unit_test(test_keyd_gone),
                cmocka_unit_test(test_log_is_discreet),
                cmocka_unit_test(test_end),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
