/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/calld/gateway/far-server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "common/buf.h"

#define HEAD_MAX (128U * 1024)
#define BODY_MAX (16U * 1024 * 1024)
#define PIECE 50000U

typedef struct Peer {
        FarServer *server;
        SSL *ssl;
        Buf in; /* read and not used yet */
        Buf head, body;
        char method[16], path[4096];
        bool close;
        bool rude; /* closes without close_notify */
} Peer;

static bool send_all(Peer *p, const void *data, size_t size) {
        return size == 0 || SSL_write(p->ssl, data, (int) size) == (int) size;
}

static bool send_text(Peer *p, const char *text) {
        return send_all(p, text, strlen(text));
}

static bool read_more(Peer *p) {
        uint8_t buffer[16384];
        int n = SSL_read(p->ssl, buffer, sizeof(buffer));

        if (n <= 0)
                return false;
        ASSERT(buf_append(&p->in, buffer, (size_t) n) == 0);
        return true;
}

/* Moves what ends with @end from in to @ret. */
static bool read_until(Peer *p, const char *end, Buf *ret) {
        uint8_t *at;

        while (!(at = p->in.size > 0 ? memmem(p->in.data, p->in.size, end, strlen(end)) : NULL))
                if (!read_more(p))
                        return false;

        size_t n = (size_t) (at - p->in.data) + strlen(end);

        ASSERT(buf_append(ret, p->in.data, n) == 0);
        buf_consume(&p->in, n);
        return true;
}

static bool read_exactly(Peer *p, size_t size, Buf *ret) {
        while (size > 0) {
                size_t n = MIN_OF(size, p->in.size);

                if (n == 0) {
                        if (!read_more(p))
                                return false;
                        continue;
                }
                ASSERT(buf_append(ret, p->in.data, n) == 0);
                buf_consume(&p->in, n);
                size -= n;
        }
        return true;
}

static const char *field(Peer *p, const char *name) {
        static _Thread_local char value[1024];
        const char *line = (const char *) p->head.data;
        size_t n = strlen(name);

        while ((line = strstr(line, "\r\n"))) {
                line += 2;
                if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
                        snprintf(value, sizeof(value), "%.*s", (int) strcspn(line + n + 2, "\r"), line + n + 2);
                        return value;
                }
        }
        return NULL;
}

static bool read_chunks(Peer *p) {
        for (;;) {
                _cleanup_(buf_done) Buf line = BUF_INIT(1024), rest = BUF_INIT(16);
                unsigned long size;

                if (!read_until(p, "\r\n", &line))
                        return false;
                ASSERT(buf_append(&line, "", 1) == 0);
                size = strtoul((const char *) line.data, NULL, 16);
                if (!read_exactly(p, size, &p->body) || !read_until(p, "\r\n", &rest))
                        return false;
                if (size == 0)
                        return true;
        }
}

static bool read_request(Peer *p) {
        const char *length, *encoding;

        buf_clear(&p->head);
        buf_clear(&p->body);
        if (!read_until(p, "\r\n\r\n", &p->head))
                return false;
        ASSERT(buf_append(&p->head, "", 1) == 0);
        ASSERT(sscanf((const char *) p->head.data, "%15s %4095s", p->method, p->path) == 2);

        encoding = field(p, "Transfer-Encoding");
        if (encoding)
                return read_chunks(p);
        length = field(p, "Content-Length");
        return !length || read_exactly(p, strtoul(length, NULL, 10), &p->body);
}

static bool answer(Peer *p, unsigned status, const char *fields, const void *body, size_t size) {
        char head[2048];
        bool has_body = strcmp(p->method, "HEAD") != 0 && status != 204 && status != 304;

        snprintf(head, sizeof(head), "HTTP/1.1 %u Some Reason\r\n%s", status, fields);
        if (status != 204 && status != 304)
                snprintf(head + strlen(head), sizeof(head) - strlen(head), "Content-Length: %zu\r\n", size);
        snprintf(head + strlen(head), sizeof(head) - strlen(head), "\r\n");
        return send_text(p, head) && (!has_body || send_all(p, body, size));
}

static bool answer_chunks(Peer *p, const uint8_t *data, size_t size) {
        if (!send_text(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"))
                return false;
        while (size > 0) {
                size_t n = MIN_OF(size, PIECE);
                char line[32];

                snprintf(line, sizeof(line), "%zx\r\n", n);
                if (!send_text(p, line) || !send_all(p, data, n) || !send_text(p, "\r\n"))
                        return false;
                data += n;
                size -= n;
        }
        return send_text(p, "0\r\n\r\n");
}

static bool answer_bytes(Peer *p, size_t size, bool chunked) {
        _cleanup_free_ uint8_t *data = malloc(size + 1);

        ASSERT(data);
        for (size_t i = 0; i < size; i++)
                data[i] = (uint8_t) (i * 7 + i / 251);
        return chunked ? answer_chunks(p, data, size) : answer(p, 200, "", data, size);
}

static bool raw(Peer *p, const char *text) {
        p->close = true;
        return send_text(p, text);
}

/* As whom the caller was authenticated, in this handshake or in the one whose session was resumed; /who-close: and that was it. */
static bool answer_who(Peer *p) {
        X509 *certificate = SSL_get1_peer_certificate(p->ssl);
        char name[128] = "nobody";

        if (certificate)
                X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof(name));
        X509_free(certificate);
        p->close = strcmp(p->path, "/who-close") == 0;
        return answer(p, 200, p->close ? "Connection: close\r\n" : "", name, strlen(name));
}

static bool silent(Peer *p) {
        struct pollfd stop = {.fd = p->server->stop_fds[0], .events = POLLIN};

        poll(&stop, 1, 20000);
        return false;
}

/* Return: false when there is no TLS to be spoken */
static bool begin(Peer *p, int fd) {
        static const char text[] = "HTTP/1.0 400 Bad Request\r\n\r\n";

        if (p->server->plain)
                ASSERT(send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL) > 0);
        if (p->server->mute)
                silent(p);
        return !p->server->plain && !p->server->mute && SSL_accept(p->ssl) == 1;
}

static bool respond(Peer *p) {
        static const char fault[] =
                "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body><e:Fault><faultcode>e:Client</faultcode>"
                "<faultstring>no such incident: 7%</faultstring></e:Fault></e:Body></e:Envelope>";
        const char *number = strrchr(p->path, '/') + 1;

        if (strncmp(p->path, "/echo-chunked", 13) == 0)
                return answer_chunks(p, p->body.data, p->body.size);
        if (strncmp(p->path, "/echo", 5) == 0)
                return answer(p, 200, "X-Many: one\r\nX-Other: o\r\nX-Many: two\r\nConnection: X-Hop\r\nX-Hop: no\r\n", p->body.data, p->body.size);
        if (strncmp(p->path, "/bytes/", 7) == 0)
                return answer_bytes(p, strtoul(number, NULL, 10), false);
        if (strncmp(p->path, "/chunked/", 9) == 0)
                return answer_bytes(p, strtoul(number, NULL, 10), true);
        if (strncmp(p->path, "/status/", 8) == 0)
                return answer(p, (unsigned) strtoul(number, NULL, 10), "X-Status: yes\r\n", "said", 4);
        if (strcmp(p->path, "/truncated") == 0)
                return raw(p, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        if (strcmp(p->path, "/cut-chunks") == 0)
                return raw(p, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
        p->rude = strcmp(p->path, "/no-length-cut") == 0;
        if (strncmp(p->path, "/no-length", 10) == 0)
                return raw(p, "HTTP/1.1 200 OK\r\n\r\nall there is");
        if (strcmp(p->path, "/garbage") == 0)
                return raw(p, "SSH-2.0-surprise\r\n\r\n");
        if (strncmp(p->path, "/who", 4) == 0)
                return answer_who(p);
        if (strcmp(p->path, "/silent") == 0)
                return silent(p);
        if (strcmp(p->path, "/fault") == 0)
                return answer(p, 500, "Content-Type: text/xml\r\n", fault, sizeof(fault) - 1);
        if (strcmp(p->path, "/soap") == 0)
                return answer(p, 200, "", p->body.data, p->body.size);
        return answer(p, 200, "Content-Type: text/plain\r\n", p->head.data, p->head.size - 1);
}

typedef struct Start {
        FarServer *server;
        int fd;
} Start;

static void *peer_main(void *arg) {
        Start *start = arg;
        Peer p = {.server = start->server, .in = BUF_INIT(BODY_MAX), .head = BUF_INIT(HEAD_MAX), .body = BUF_INIT(BODY_MAX)};

        p.ssl = SSL_new(start->server->ctx);
        ASSERT(p.ssl && SSL_set_fd(p.ssl, start->fd) == 1);
        if (begin(&p, start->fd)) {
                while (!p.close && !p.server->stopping && read_request(&p)) {
                        p.server->n_requests++;
                        if (!respond(&p))
                                break;
                }
                if (!p.rude)
                        SSL_shutdown(p.ssl);
        }

        SSL_free(p.ssl);
        close(start->fd);
        buf_done(&p.in);
        buf_done(&p.head);
        buf_done(&p.body);
        start->server->n_threads--;
        free(start);
        return NULL;
}

static void *server_main(void *arg) {
        FarServer *s = arg;
        struct pollfd fds[2] = {{.fd = s->stop_fds[0], .events = POLLIN}, {.fd = s->listen_fd, .events = POLLIN}};

        for (;;) {
                struct timeval timeout = {.tv_sec = 20};
                int one = 1;
                pthread_t thread;
                Start *start;

                ASSERT(poll(fds, 2, -1) > 0);
                if (fds[0].revents)
                        return NULL;

                start = calloc(1, sizeof(*start));
                ASSERT(start);
                start->server = s;
                start->fd = accept4(s->listen_fd, NULL, NULL, SOCK_CLOEXEC);
                ASSERT(start->fd >= 0 && setsockopt(start->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
                ASSERT(setsockopt(start->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) == 0);
                s->n_connections++;
                s->n_threads++;
                ASSERT(pthread_create(&thread, NULL, peer_main, start) == 0 && pthread_detach(thread) == 0);
        }
}

FarServer *far_server_new(const FarOptions *o) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);
        FarServer *s = calloc(1, sizeof(*s));

        ASSERT(s && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
        s->plain = o->plain;
        s->mute = o->mute;
        s->ctx = SSL_CTX_new(TLS_server_method());
        ASSERT(s->ctx && SSL_CTX_use_certificate(s->ctx, o->certificate) == 1 && SSL_CTX_use_PrivateKey(s->ctx, o->key) == 1);
        ASSERT(SSL_CTX_set_min_proto_version(s->ctx, o->tls_version) == 1 && SSL_CTX_set_max_proto_version(s->ctx, o->tls_version) == 1);
        SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *) "far", 3);
        if (o->client_ca) {
                ASSERT(X509_STORE_add_cert(SSL_CTX_get_cert_store(s->ctx), o->client_ca) == 1);
                SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        }

        s->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT(s->listen_fd >= 0 && bind(s->listen_fd, (struct sockaddr *) &address, sizeof(address)) == 0 && listen(s->listen_fd, 64) == 0);
        ASSERT(getsockname(s->listen_fd, (struct sockaddr *) &address, &size) == 0);
        s->port = ntohs(address.sin_port);
        ASSERT(pipe2(s->stop_fds, O_CLOEXEC) == 0);
        ASSERT(pthread_create(&s->thread, NULL, server_main, s) == 0);
        return s;
}

FarServer *far_server_free(FarServer *s) {
        if (!s)
                return NULL;

        s->stopping = true;
        close(s->stop_fds[1]);
        ASSERT(pthread_join(s->thread, NULL) == 0);
        /* calld has ended by now, so each of them sees the end of its connection */
        while (s->n_threads > 0)
                sched_yield();
        close(s->stop_fds[0]);
        close(s->listen_fd);
        SSL_CTX_free(s->ctx);
        free(s);
        return NULL;
}
