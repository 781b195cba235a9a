/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/http.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define READ_SIZE 16384U
/* A head, and what was read behind it. */
#define IN_MAX (HTTP_HEAD_MAX + READ_SIZE)

void http_init(Http *h, int fd, uint64_t idle_usec) {
        *h = (Http) {.fd = fd, .idle_usec = idle_usec, .in = BUF_INIT(IN_MAX)};
}

void http_done(Http *h) {
        buf_done(&h->in);
        close_fdp(&h->fd);
}

/* Waits for one of @events. Return: what came, -ETIMEDOUT, other -errno */
static int wait_for(Http *h, short events) {
        struct pollfd p = {.fd = h->fd, .events = events};
        uint64_t deadline = deadline_after(h->idle_usec);
        int n;

        do
                n = poll(&p, 1, deadline_to_poll_ms(deadline));
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return -errno;
        return n == 0 ? -ETIMEDOUT : p.revents;
}

int http_send(Http *h, const void *data, size_t size) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = send(h->fd, p, size, MSG_NOSIGNAL | MSG_DONTWAIT);
                int events;

                if (n >= 0) {
                        p += n;
                        size -= (size_t) n;
                        continue;
                }
                if (errno == EINTR)
                        continue;
                if (errno == EPIPE || errno == ECONNRESET)
                        return HTTP_ANSWERS;
                if (errno != EAGAIN)
                        return -errno;

                events = wait_for(h, POLLIN | POLLOUT);
                if (events < 0)
                        return events;
                /* calld answers before it has read all of a body only when it refuses the request. */
                if (events & POLLIN)
                        return HTTP_ANSWERS;
        }

        return 0;
}

/* Return: 0, HTTP_CLOSED at the end, HTTP_TOO_LARGE, -errno */
static int fill(Http *h) {
        uint8_t data[READ_SIZE];
        ssize_t n;
        int r;

        do {
                r = wait_for(h, POLLIN);
                if (r < 0)
                        return r;
                n = recv(h->fd, data, sizeof(data), MSG_DONTWAIT);
        } while (n < 0 && (errno == EINTR || errno == EAGAIN));

        if (n < 0 && errno != ECONNRESET)
                return -errno;
        if (n <= 0)
                return HTTP_CLOSED;

        r = buf_append(&h->in, data, (size_t) n);
        return r == -EMSGSIZE ? HTTP_TOO_LARGE : r;
}

/* Reads until @end is in the buffer; *ret_size counts up to and with it. */
static int read_until(Http *h, const char *end, size_t max, size_t *ret_size) {
        for (;;) {
                const uint8_t *p = h->in.size > 0 ? memmem(h->in.data, h->in.size, end, strlen(end)) : NULL;
                size_t size = p ? (size_t) (p - h->in.data) + strlen(end) : h->in.size;
                int r;

                if (size > max)
                        return HTTP_TOO_LARGE;
                if (p) {
                        *ret_size = size;
                        return 0;
                }

                r = fill(h);
                if (r != 0)
                        return r;
        }
}

/* One head, interim or final. */
static int read_one_head(Http *h, HttpHead *head) {
        size_t size;
        int r;

        r = read_until(h, "\r\n\r\n", HTTP_HEAD_MAX, &size);
        if (r != 0)
                return r;

        r = buf_append(&head->text, h->in.data, size);
        if (r < 0)
                return r;

        buf_consume(&h->in, size);
        return http_head_parse(head);
}

int http_read_head(Http *h, bool is_head, HttpHead *ret) {
        /* RFC 9110, 15.2: any number of interim answers may come first; nobody sends more than a few. */
        for (unsigned i = 0; i < 8; i++) {
                _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
                int r;

                r = read_one_head(h, &head);
                if (r != 0)
                        return r;
                if (head.status == 101)
                        return HTTP_MALFORMED;
                if (head.status < 200)
                        continue;

                r = http_head_framing(&head, is_head, &h->framing, &h->n_left);
                if (r != 0)
                        return r;

                h->ended = h->in_chunks = false;
                *ret = head;
                head = (HttpHead) {};
                return 0;
        }

        return HTTP_MALFORMED;
}

/* Up to @size bytes of what the peer sent. */
static int take(Http *h, void *data, size_t size, size_t *ret_size) {
        if (h->in.size == 0) {
                int r = fill(h);

                if (r != 0)
                        return r;
        }

        size = MIN_OF(size, h->in.size);
        memcpy(data, h->in.data, size);
        buf_consume(&h->in, size);
        *ret_size = size;
        return 0;
}

static int hex_value(char c) {
        static const char digits[] = "0123456789abcdef";
        const char *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + ('a' - 'A') : c) : NULL;

        return p ? (int) (p - digits) : -1;
}

/* RFC 9112, 7.1: chunk-size [ chunk-ext ] CRLF */
static int parse_chunk_size(const char *line, size_t size, uint64_t *ret) {
        uint64_t v = 0;
        size_t i;

        for (i = 0; i < size && hex_value(line[i]) >= 0; i++) {
                if (v > (uint64_t) INT64_MAX >> 4)
                        return HTTP_TOO_LARGE;
                v = v << 4 | (uint64_t) hex_value(line[i]);
        }
        if (i == 0 || (i < size && line[i] != ';' && line[i] != ' ' && line[i] != '\t'))
                return HTTP_MALFORMED;
        if (memchr(line, 0, size) || memchr(line, '\n', size))
                return HTTP_MALFORMED;

        *ret = v;
        return 0;
}

/* The bytes behind a chunk are CRLF and nothing else. */
static int end_chunk(Http *h) {
        size_t size;
        int r;

        r = read_until(h, "\r\n", HTTP_LINE_MAX, &size);
        if (r != 0)
                return r;
        if (size != 2)
                return HTTP_MALFORMED;

        buf_consume(&h->in, size);
        return 0;
}

/* RFC 9112, 7.1.2: trailer fields; nothing here uses them. */
static int skip_trailers(Http *h) {
        size_t size, total = 0;
        int r;

        do {
                r = read_until(h, "\r\n", HTTP_HEAD_MAX, &size);
                if (r != 0)
                        return r;
                buf_consume(&h->in, size);
                total += size;
        } while (size > 2 && total <= HTTP_HEAD_MAX);

        return size > 2 ? HTTP_TOO_LARGE : 0;
}

static int begin_chunk(Http *h) {
        size_t size;
        int r = 0;

        if (h->in_chunks)
                r = end_chunk(h);
        if (r == 0)
                r = read_until(h, "\r\n", HTTP_LINE_MAX, &size);
        if (r == 0)
                r = parse_chunk_size((const char *) h->in.data, size - 2, &h->n_left);
        if (r != 0)
                return r;

        buf_consume(&h->in, size);
        h->in_chunks = true;
        if (h->n_left > 0)
                return 0;

        r = skip_trailers(h);
        h->ended = r == 0;
        return r;
}

int http_read_body(Http *h, void *data, size_t size, size_t *ret_size) {
        int r = 0;

        *ret_size = 0;
        if (h->framing == HTTP_FRAMING_CHUNKED && !h->ended && h->n_left == 0)
                r = begin_chunk(h);
        if (r != 0)
                return r;
        if (h->ended || h->framing == HTTP_FRAMING_NONE || (h->framing == HTTP_FRAMING_LENGTH && h->n_left == 0))
                return 0;

        if (h->framing == HTTP_FRAMING_CLOSE) {
                r = take(h, data, size, ret_size);
                h->ended = r == HTTP_CLOSED;
                return h->ended ? 0 : r;
        }

        r = take(h, data, MIN_OF(size, h->n_left), ret_size);
        if (r == 0)
                h->n_left -= *ret_size;
        return r;
}
