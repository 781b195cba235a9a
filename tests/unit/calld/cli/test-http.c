/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "calld/cli/http.h"

/* What came of a whole answer. */
typedef struct Result {
        int r;
        unsigned status;
        char body[256];
        size_t size;
} Result;

/* The peer sends @size bytes and closes (or stays silent). */
static Result feed(const char *data, size_t size, bool close_it, bool is_head) {
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        _cleanup_(http_done) Http http = {.fd = -1};
        _cleanup_fd_ int peer = -1;
        Result result = {};
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        peer = fds[1];
        http_init(&http, fds[0], close_it ? 10 * USEC_PER_SEC : 20 * USEC_PER_MSEC);
        if (size > 0)
                assert_int_equal(send(peer, data, size, MSG_NOSIGNAL), size);
        if (close_it)
                close_fdp(&peer);

        result.r = http_read_head(&http, is_head, &head);
        result.status = head.status;
        while (result.r == 0) {
                size_t n;

                /* Three bytes at a time: pieces do not end where chunks do. */
                assert_true(result.size + 3 <= sizeof(result.body));
                result.r = http_read_body(&http, result.body + result.size, 3, &n);
                if (result.r == 0 && n == 0)
                        break;
                result.size += n;
        }
        return result;
}

static Result feed_string(const char *data) {
        return feed(data, strlen(data), true, false);
}

static void check_body(const char *answer, const char *body) {
        Result result = feed_string(answer);

        assert_int_equal(result.r, 0);
        assert_int_equal(result.size, strlen(body));
        assert_memory_equal(result.body, body, strlen(body));
}

static void test_bodies(void **state _unused_) {
        check_body("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello");
        check_body("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "");
        check_body("HTTP/1.1 200\r\ncontent-length:\t5 \r\n\r\nhello", "hello");
        check_body("HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end");
        check_body("HTTP/1.1 204 No Content\r\n\r\n", "");
        check_body("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "");
        check_body("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "x");
        check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "hello");
        check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhe\r\n00003\r\nllo\r\n0 \r\nT: x\r\nU: y\r\n\r\n", "hello");
        check_body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", "01234567890123456789");
}

static void test_head_has_no_body(void **state _unused_) {
        static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        Result result = feed(answer, sizeof(answer) - 1, true, true);

        assert_int_equal(result.r, 0);
        assert_int_equal(result.size, 0);
}

/* Each is refused: what the parser does not understand it does not guess. */
static void test_malformed(void **state _unused_) {
        static const char *const answers[] = {
                "\r\n\r\n",
                "HTTP/2 200 OK\r\n\r\n",
                "HTTP/1.1  200 OK\r\n\r\n",
                "HTTP/1.1 20 OK\r\n\r\n",
                "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 099 No\r\n\r\n",
                "HTTP/1.x 200 OK\r\n\r\n",
                "http/1.1 200 OK\r\n\r\n",
                "ICY 200 OK\r\n\r\n",
                "HTTP/1.1 200 \x1b[2J\r\n\r\n",
                "HTTP/1.1 101 Switching Protocols\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: b\rB: c\r\n\r\n",
                "HTTP/1.1 200 OK\r\nA: \x7f\r\n\r\n",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\nhello",
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nx\r\nhello\r\n0\r\n\r\n",
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhello\r\n0\r\n\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                Result result = feed_string(answers[i]);

                if (result.r != HTTP_MALFORMED)
                        fail_msg("%zu: outcome %d for %s", i, result.r, answers[i]);
        }
}

static void test_nul_in_head(void **state _unused_) {
        static const char answer[] = "HTTP/1.1 200 OK\r\nA: b\0c\r\nContent-Length: 0\r\n\r\n";

        assert_int_equal(feed(answer, sizeof(answer) - 1, true, false).r, HTTP_MALFORMED);
}

/* A server that speaks without end, or of more than there can be. */
static void test_limits(void **state _unused_) {
        _cleanup_(buf_done) Buf many = BUF_INIT(HTTP_HEAD_MAX), line = BUF_INIT(4 * HTTP_LINE_MAX);

        assert_int_equal(feed_string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8000000000000000\r\n").r, HTTP_TOO_LARGE);
        assert_int_equal(feed_string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000000000000005\r\n").r, HTTP_TOO_LARGE);

        assert_int_equal(buf_printf(&many, "HTTP/1.1 200 OK\r\n"), 0);
        for (size_t i = 0; i < HTTP_FIELDS_MAX; i++)
                assert_int_equal(buf_printf(&many, "A: %zu\r\n", i), 0);
        assert_int_equal(buf_printf(&many, "Content-Length: 0\r\n\r\n"), 0);
        assert_int_equal(feed((const char *) many.data, many.size, true, false).r, HTTP_TOO_LARGE);

        assert_int_equal(
                buf_printf(&line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;%0*d\r\nhello\r\n0\r\n\r\n", (int) HTTP_LINE_MAX, 0), 0);
        assert_int_equal(feed((const char *) line.data, line.size, true, false).r, HTTP_TOO_LARGE);

        buf_clear(&many);
        for (size_t i = 0; i < 9; i++)
                assert_int_equal(buf_printf(&many, "HTTP/1.1 102 Processing\r\n\r\n"), 0);
        assert_int_equal(feed((const char *) many.data, many.size, true, false).r, HTTP_MALFORMED);
}

/* Sends a head that never ends, from a process of its own: a socket does not hold so much. */
static void send_endless(int fd) {
        char data[4096];

        memset(data, 'a', sizeof(data));
        memcpy(data, "HTTP/1.1 200 ", 13);
        for (size_t done = 0; done < 2 * HTTP_HEAD_MAX; done += sizeof(data)) {
                if (send(fd, data, sizeof(data), MSG_NOSIGNAL) < 0)
                        break;
                memset(data, 'a', 13);
        }
        _exit(0);
}

static void test_head_too_long(void **state _unused_) {
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        Http http;
        int fds[2];
        pid_t pid;

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]); /* so that it learns when nobody reads */
                send_endless(fds[1]);
        }
        close(fds[1]);

        http_init(&http, fds[0], 10 * USEC_PER_SEC);
        assert_int_equal(http_read_head(&http, false, &head), HTTP_TOO_LARGE);
        http_done(&http);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Cut anywhere, an answer with an announced end is never taken for a whole one; what stays silent ends by the time limit. */
static void test_every_truncation(void **state _unused_) {
        static const char *const answers[] = {
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nT: x\r\n\r\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
                size_t size = strlen(answers[i]);

                for (size_t n = 0; n < size; n++) {
                        _cleanup_free_ char *cut = malloc(n ? n : 1);

                        memcpy(cut, answers[i], n);
                        assert_int_equal(feed(cut, n, true, false).r, HTTP_CLOSED);
                }
                assert_int_equal(feed(answers[i], size - 1, false, false).r, -ETIMEDOUT);
                assert_int_equal(feed(answers[i], size, false, false).r, 0);
        }
}

/* The parser alone, its input in a block of exactly that size. */
static int parse(const char *text, HttpHead *head) {
        size_t size = strlen(text);

        *head = (HttpHead) HTTP_HEAD_INIT;
        head->text.data = malloc(size ? size : 1);
        memcpy(head->text.data, text, size);
        head->text.size = head->text.allocated = size;
        return http_head_parse(head);
}

static void test_fields(void **state _unused_) {
        _cleanup_(http_head_done) HttpHead head;

        assert_int_equal(parse("HTTP/1.1 404 Not Found\r\nA: 1\r\na: 2\r\nEmpty:\r\nB:  x y \t\r\n\r\n", &head), 0);
        assert_int_equal(head.status, 404);
        assert_string_equal(head.reason, "Not Found");
        assert_int_equal(head.n_fields, 4);
        assert_string_equal(http_head_find(&head, "a"), "1");
        assert_string_equal(http_head_find(&head, "EMPTY"), "");
        assert_string_equal(http_head_find(&head, "B"), "x y");
        assert_null(http_head_find(&head, "C"));
}

static void test_parse_truncations(void **state _unused_) {
        static const char whole[] = "HTTP/1.1 200 OK\r\nA: 1\r\nBc: 23\r\n\r\n";

        for (size_t n = 0; n < sizeof(whole) - 1; n++) {
                _cleanup_(http_head_done) HttpHead head;
                char cut[sizeof(whole)];

                memcpy(cut, whole, n);
                cut[n] = 0;
                assert_int_not_equal(parse(cut, &head), 0);
        }
}

/* The peer takes no more and answers: that is told, and the answer can be read. */
static void test_send_answers(void **state _unused_) {
        static const char answer[] = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        _cleanup_(http_done) Http http = {.fd = -1};
        _cleanup_free_ char *data = calloc(1, 4 << 20);
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
        http_init(&http, fds[0], 5 * USEC_PER_SEC);
        assert_int_equal(send(fds[1], answer, sizeof(answer) - 1, MSG_NOSIGNAL), sizeof(answer) - 1);
        assert_int_equal(http_send(&http, data, 4 << 20), HTTP_ANSWERS);
        assert_int_equal(http_read_head(&http, false, &head), 0);
        assert_int_equal(head.status, 413);

        close(fds[1]);
        assert_int_equal(http_send(&http, data, 1), HTTP_ANSWERS);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bodies),           cmocka_unit_test(test_head_has_no_body), cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_nul_in_head),      cmocka_unit_test(test_limits),           cmocka_unit_test(test_head_too_long),
                cmocka_unit_test(test_every_truncation), cmocka_unit_test(test_fields),           cmocka_unit_test(test_parse_truncations),
                cmocka_unit_test(test_send_answers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
