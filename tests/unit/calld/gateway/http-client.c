/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/calld/gateway/http-client.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

void http_answer_done(HttpAnswer *a) {
        buf_done(&a->head);
        buf_done(&a->body);
}

int http_connect(const char *path) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        struct timeval timeout = {.tv_sec = 30};
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ASSERT(fd >= 0 && strlen(path) < sizeof(address.sun_path));
        memcpy(address.sun_path, path, strlen(path));
        ASSERT(connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        ASSERT(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
        return fd;
}

int http_connect_tcp(uint16_t port) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        ASSERT(fd >= 0 && connect(fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        return fd;
}

/* A peer that has gone is the answer's business. */
void http_send(int fd, const void *data, size_t size) {
        const uint8_t *p = data;

        while (size > 0) {
                ssize_t n = send(fd, p, size, MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                p += n;
                size -= (size_t) n;
        }
}

void http_send_text(int fd, const char *format, ...) {
        char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        ASSERT(n >= 0);
        http_send(fd, text, (size_t) n);
        free(text);
}

static bool receive_byte(int fd, uint8_t *ret) {
        return recv(fd, ret, 1, 0) == 1;
}

static bool receive_line(int fd, Buf *ret) {
        uint8_t byte;

        do {
                if (!receive_byte(fd, &byte))
                        return false;
                ASSERT(buf_append(ret, &byte, 1) == 0);
        } while (byte != '\n');
        return true;
}

static bool receive_exactly(int fd, size_t size, Buf *ret) {
        uint8_t buffer[65536];

        while (size > 0) {
                ssize_t n = recv(fd, buffer, MIN_OF(size, sizeof(buffer)), 0);

                if (n <= 0)
                        return false;
                ASSERT(buf_append(ret, buffer, (size_t) n) == 0);
                size -= (size_t) n;
        }
        return true;
}

static bool receive_chunks(int fd, Buf *ret) {
        for (;;) {
                _cleanup_(buf_done) Buf line = BUF_INIT(1024), end = BUF_INIT(16);
                unsigned long size;

                if (!receive_line(fd, &line))
                        return false;
                ASSERT(buf_append(&line, "", 1) == 0);
                size = strtoul((const char *) line.data, NULL, 16);
                if (!receive_exactly(fd, size, ret) || !receive_line(fd, &end))
                        return false;
                if (size == 0)
                        return true;
        }
}

static bool receive_head(int fd, HttpAnswer *ret) {
        size_t before;

        do {
                before = ret->head.size;
                if (!receive_line(fd, &ret->head))
                        return false;
        } while (ret->head.size - before > 2);
        ASSERT(buf_append(&ret->head, "", 1) == 0);
        ASSERT(sscanf((const char *) ret->head.data, "HTTP/1.1 %u", &ret->status) == 1);
        return true;
}

void http_receive(int fd, bool is_head, HttpAnswer *ret) {
        const char *length;

        do {
                buf_clear(&ret->head);
                ret->status = 0;
                if (!receive_head(fd, ret)) {
                        ret->status = 0;
                        ret->cut = true;
                        return;
                }
        } while (ret->status == 100);

        if (is_head || ret->status == 204 || ret->status == 304)
                return;
        length = http_field(ret, "Content-Length", 0);
        if (length)
                ret->cut = !receive_exactly(fd, strtoul(length, NULL, 10), &ret->body);
        else
                ret->cut = !http_field(ret, "Transfer-Encoding", 0) || !receive_chunks(fd, &ret->body);
}

const char *http_field(const HttpAnswer *a, const char *name, unsigned n) {
        static char value[8192];
        const char *line = (const char *) a->head.data;
        size_t size = strlen(name);

        while (line && (line = strstr(line, "\r\n"))) {
                line += 2;
                if (strncasecmp(line, name, size) != 0 || line[size] != ':' || n-- > 0)
                        continue;
                line += size + 1;
                line += strspn(line, " ");
                snprintf(value, sizeof(value), "%.*s", (int) strcspn(line, "\r"), line);
                return value;
        }
        return NULL;
}
