/* SPDX-License-Identifier: Apache-2.0 */

/* The built calld from end to end: callers on one side, a keyd that signs and TLS servers on the other */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/calld/gateway/check.h"

static void test_get(void **state) {
        static const char *const aliases[] = {"tls12", "tls13"};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                ANSWER(a);

                rig_call(r, aliases[i], "GET", "/tell/me?q=%20a+b&q=..%2f",
                         "X-Many: 1\r\nAccept: text/x\r\nX-Many: 2\r\nConnection: X-Hop\r\nX-Hop: x\r\n"
                         "TE: trailers\r\nProxy-Authorization: x\r\nMidtls-Timeout: 20s\r\n",
                         NO_BODY, &a);
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

        rig_call(r, "tls13", "GET", "/tell", "", NO_BODY, &a);
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

        rig_call(r, "tls12", "HEAD", "/bytes/1234", "", NO_BODY, &h);
        assert_int_equal(h.status, 200);
        assert_string_equal(http_field(&h, "Content-Length", 0), "1234");

        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
                char target[32];
                ANSWER(a);

                snprintf(target, sizeof(target), "/status/%u", statuses[i]);
                rig_call(r, "tls13", "GET", target, "", NO_BODY, &a);
                assert_int_equal(a.status, statuses[i]);
                assert_string_equal(http_field(&a, "X-Status", 0), "yes");
                assert_null(http_field(&a, "Proxy-Status", 0));
                assert_int_equal(a.body.size, statuses[i] == 204 || statuses[i] == 304 ? 0 : 4);
        }
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
                rig_call(r, alias, "GET", target, "", NO_BODY, &down);
                assert_body(&down, data, size);
                snprintf(target, sizeof(target), "/chunked/%zu", size);
                rig_call(r, alias, "GET", target, "", NO_BODY, &chunked);
                assert_string_equal(http_field(&chunked, "Transfer-Encoding", 0), "chunked");
                assert_body(&chunked, data, size);
        }
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

        rig_call(r, "other", "GET", "http://base/tell?a=b", "", NO_BODY, &a);
        assert_true(body_has(&a, "GET /api/v2/tell?a=b HTTP/1.1\r\n"));
        snprintf(target, sizeof(target), "mauth://localhost:%u/api/v2/tell?a=b", r->tls13->port);
        rig_call(r, "localhost", "GET", target, "", NO_BODY, &b);
        assert_true(body_has(&b, "GET /api/v2/tell?a=b HTTP/1.1\r\n"));
        rig_wait_log(r, http_field(&b, "Midtls-Call-Id", 0), "\"MIDTLS_ALIAS\":\"base\"");
        rig_call(r, "x", "GET", "mauth://elsewhere.test/x", "", NO_BODY, &c);
        assert_problem(r, &c, 404, "alias-unknown", "destination_not_found");
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

static void assert_who(Rig *r, const char *alias, const char *path, const char *who) {
        ANSWER(a);

        rig_call(r, alias, "GET", path, "", NO_BODY, &a);
        assert_int_equal(a.status, 200);
        if (!body_has(&a, who) || a.body.size != strlen(who))
                fail_msg("%s %s: %.*s", alias, path, (int) a.body.size, (const char *) a.body.data);
}

/*
 * Two identities at one server: neither goes out over a connection that the other has made, nor resumes a TLS session of the other. libcurl cannot
 * tell them apart: what an SSL_CTX callback sets is not part of what it compares.
 */
static void test_identities(void **state) {
        static const char *const pairs[][2] = {{"as-mid", "as-second"}, {"as-mid13", "as-second13"}};
        /* A session is in the easy handle that made it, and a call may find it still in use, or be another worker's: enough calls for each to come twice. */
        static const struct {
                const char *path;
                unsigned n_calls;
        } rows[] = {{"/who", 4}, {"/who-close", 16}};
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
                for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
                        for (unsigned n = 0; n < rows[k].n_calls; n++) {
                                assert_who(r, pairs[i][0], rows[k].path, "mid");
                                assert_who(r, pairs[i][1], rows[k].path, "second");
                        }
        /* or nothing could have been mixed up */
        for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
                char alias[64];

                snprintf(alias, sizeof(alias), "\"MIDTLS_ALIAS\":\"%s\"", pairs[i][1]);
                rig_wait_log(r, "\"MIDTLS_REUSED\":\"1\"", alias);
                rig_wait_log(r, "\"MIDTLS_RESUMED\":\"1\"", alias);
        }
}

typedef struct TcpRow {
        const char *target, *fields;
        unsigned status;
} TcpRow;

/* A caller over TCP is nobody: it has to show the token, to name exactly what it means, and only what is for everybody is for it. */
static void test_tcp(void **state) {
        static const TcpRow rows[] = {
                {"/healthz", "Host: midtls\r\n" RIG_TOKEN_FIELD, 200},
                {"/status", "Host: midtls\r\n" RIG_TOKEN_FIELD, 403},
                {"/connections", "Host: midtls\r\n" RIG_TOKEN_FIELD, 403},
                {"/x", "Host: tls13\r\n" RIG_TOKEN_FIELD, 403},
                {"/x", "Host: denied\r\n" RIG_TOKEN_FIELD, 403},
                {"/x", "Host: open\r\n" RIG_TOKEN_FIELD, 200},
                {"http://open/x", "Host: open\r\n" RIG_TOKEN_FIELD, 200},
                /* the token */
                {"/healthz", "Host: midtls\r\n", 403},
                {"/x", "Host: open\r\n", 403},
                {"/x", "Host: open\r\nMidtls-Token: \r\n", 403},
                {"/x", "Host: open\r\nMidtls-Token: 0123456789abcdef-tokem\r\n", 403},
                {"/x", "Host: open\r\nMidtls-Token: 0123456789abcdef-toke\r\n", 403},
                {"/x", "Host: open\r\nMidtls-Token: " RIG_TOKEN "x\r\n", 403},
                {"/x", "Host: open\r\nAuthorization: Bearer " RIG_TOKEN "\r\n", 403},
                {"/x", "Host: open\r\n" RIG_TOKEN_FIELD RIG_TOKEN_FIELD, 400},
                {"/unheard", "Host: unheard\r\n", 403},
                /* the Host field */
                {"/x", "Host: open:80\r\n" RIG_TOKEN_FIELD, 403},
                {"/healthz", "Host: MIDTLS\r\n" RIG_TOKEN_FIELD, 403},
                {"http://open/x", "Host: evil.test\r\n" RIG_TOKEN_FIELD, 403},
                {"http://open/x", RIG_TOKEN_FIELD, 403},
                {"http://open:80/x", "Host: open:80\r\n" RIG_TOKEN_FIELD, 403},
                {"mauth://localhost/x", "Host: open\r\n" RIG_TOKEN_FIELD, 403},
                /* a browser */
                {"/x", "Host: open\r\nOrigin: null\r\n" RIG_TOKEN_FIELD, 403},
                {"/x", "Host: open\r\nOrigin: http://open\r\n" RIG_TOKEN_FIELD, 403},
                {"/x", "Host: open\r\nSec-Fetch-Mode: navigate\r\n" RIG_TOKEN_FIELD, 403},
        };
        Rig *r = *state;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_fd_ int fd = http_connect_tcp(r->tcp_port);
                ANSWER(a);

                http_send_text(fd, "GET %s HTTP/1.1\r\n%s\r\n", rows[i].target, rows[i].fields);
                http_receive(fd, false, &a);
                if (a.status != rows[i].status)
                        fail_msg("row %zu: %s: status %u", i, rows[i].target, a.status);
        }
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
                cmocka_unit_test(test_pipeline_and_old),
                cmocka_unit_test(test_soap),
                cmocka_unit_test(test_identities),
                cmocka_unit_test(test_tcp),
        };

        return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
