/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/client.h"

#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "calld/cli/progress.h"

#define DEFAULT_SOCKET "/run/midtls/calld.sock"
#define REQUEST_HEAD_MAX (64U * 1024)
#define DOCUMENT_MAX (32U * 1024 * 1024)
#define CONNECT_TIMEOUT_USEC (5 * USEC_PER_SEC)
#define DOCUMENT_IDLE_USEC (30 * USEC_PER_SEC)
/* A step of `midtls test` may wait for a far server as long as a connection's timeouts allow. */
#define ACTION_IDLE_USEC (10 * USEC_PER_MINUTE)

static const char *socket_path(const Options *o) {
        const char *path = o->socket ? o->socket : secure_getenv("MIDTLS_SOCKET");

        return path && *path ? path : DEFAULT_SOCKET;
}

static int connect_error(const char *path, int error) {
        const char *hint = "is midtls-calld.socket running? try: systemctl start midtls-calld.socket";

        if (error == EACCES || error == EPERM)
                hint = "the socket is for members of the group midtls: are you one of them? (id; usermod -aG midtls USER)";
        else if (error == EAGAIN || error == ETIMEDOUT)
                hint = "calld takes no connections: see systemctl status midtls-calld.service";

        return output_error(hint, "cannot connect to %s: %s", path, strerror(error));
}

/* connect() of an AF_UNIX socket waits while the backlog is full, for as long as SO_SNDTIMEO says. */
static int connect_socket(const char *path, int *ret_fd) {
        struct timeval timeout = {.tv_sec = (time_t) (CONNECT_TIMEOUT_USEC / USEC_PER_SEC)};
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_fd_ int fd = -1;

        if (strlen(path) >= sizeof(address.sun_path))
                return output_error("a socket's path has at most 107 characters", "%s: too long", path);
        memcpy(address.sun_path, path, strlen(path) + 1);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return output_error(NULL, "cannot make a socket: %s", strerror(errno));
        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) < 0)
                return output_error(NULL, "cannot set up a socket: %s", strerror(errno));
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return connect_error(path, errno);

        *ret_fd = TAKE_FD(fd);
        return 0;
}

int client_error(int r) {
        const char *journal = "see journalctl -u midtls-calld.service";

        switch (r) {
        case HTTP_CLOSED:
                return output_error(journal, "the answer ended early; what was printed is not complete");
        case HTTP_MALFORMED:
                return output_error("is the socket really calld's?", "the answer is not HTTP/1.1");
        case HTTP_TOO_LARGE:
                return output_error(journal, "the answer's header is too large");
        case -ETIMEDOUT:
                return output_error(journal, "no answer in time");
        default:
                return output_error(journal, "the connection to calld failed: %s", strerror(r < 0 ? -r : EIO));
        }
}

static bool has_header(const ClientRequest *q, const char *name) {
        for (size_t i = 0; i < q->n_headers; i++)
                if (strncasecmp(q->headers[i], name, strlen(name)) == 0 && q->headers[i][strlen(name)] == ':')
                        return true;

        return false;
}

static int build_head(const ClientRequest *q, Buf *head) {
        int r;

        r = buf_printf(head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", q->method, q->target, q->authority);
        if (r >= 0 && !has_header(q, "User-Agent"))
                r = buf_printf(head, "User-Agent: midtls/" MIDTLS_VERSION "\r\n");
        if (r >= 0 && !has_header(q, "Accept"))
                r = buf_printf(head, "Accept: */*\r\n");
        for (size_t i = 0; r >= 0 && i < q->n_headers; i++)
                r = buf_printf(head, "%s\r\n", q->headers[i]);
        if (r >= 0 && q->upload.given && q->upload.chunked)
                r = buf_printf(head, "Transfer-Encoding: chunked\r\n");
        else if (r >= 0 && q->upload.given)
                r = buf_printf(head, "Content-Length: %llu\r\n", (unsigned long long) q->upload.length);
        if (r >= 0)
                r = buf_printf(head, "\r\n");

        return r;
}

/* Waits until @fd has something. Return: 0, HTTP_ANSWERS when calld speaks first, -errno */
static int wait_input(Http *h, int fd) {
        struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = h->fd, .events = POLLIN}};
        uint64_t deadline = deadline_after(h->idle_usec);
        int n;

        do
                n = poll(p, ARRAY_SIZE(p), deadline_to_poll_ms(deadline));
        while (n < 0 && errno == EINTR);

        if (n < 0)
                return -errno;
        if (n == 0)
                return -ETIMEDOUT;
        return p[1].revents ? HTTP_ANSWERS : 0;
}

static int send_chunk(Http *h, const void *data, size_t size) {
        char line[32];
        int n, r;

        n = snprintf(line, sizeof(line), "%zx\r\n", size);
        r = http_send(h, line, (size_t) n);
        if (r == 0)
                r = http_send(h, data, size);
        if (r == 0)
                r = http_send(h, "\r\n", 2);

        return r;
}

/* Return: 0, HTTP_ANSWERS, -errno; -ENODATA when a file shrank while it was sent */
static int send_parts(Http *h, const Upload *u, Progress *progress) {
        uint64_t n_left = u->length;

        while (u->chunked || n_left > 0) {
                char data[65536];
                ssize_t n;
                int r;

                r = wait_input(h, u->fd);
                if (r != 0)
                        return r;
                n = read(u->fd, data, u->chunked ? sizeof(data) : MIN_OF(sizeof(data), n_left));
                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return u->chunked ? http_send(h, "0\r\n\r\n", 5) : -ENODATA;

                r = u->chunked ? send_chunk(h, data, (size_t) n) : http_send(h, data, (size_t) n);
                if (r != 0)
                        return r;
                n_left -= u->chunked ? 0 : (uint64_t) n;
                progress_add(progress, (size_t) n);
        }

        return 0;
}

/* As send_parts() */
static int send_descriptor(Http *h, const Upload *u) {
        Progress progress;
        int r;

        progress_init(&progress, /* on= */ true, "sent", u->chunked ? 0 : u->length);
        r = send_parts(h, u, &progress);
        progress_end(&progress);
        return r;
}

static int send_request(Http *h, const ClientRequest *q) {
        _cleanup_(buf_done) Buf head = BUF_INIT(REQUEST_HEAD_MAX);
        int r;

        r = build_head(q, &head);
        if (r >= 0)
                r = http_send(h, head.data, head.size);
        if (r == 0 && q->upload.given && q->upload.fd >= 0)
                r = send_descriptor(h, &q->upload);
        else if (r == 0 && q->upload.given)
                r = http_send(h, q->upload.data, q->upload.size);

        return r;
}

int client_request(const Options *o, const ClientRequest *request, Http *ret_http, HttpHead *ret_head) {
        _cleanup_(http_done) Http http = {.fd = -1};
        int fd = -1, r;

        r = connect_socket(socket_path(o), &fd);
        if (r != 0)
                return r;
        http_init(&http, fd, request->idle_usec);

        r = send_request(&http, request);
        if (r == -EMSGSIZE)
                return output_error("64 KiB are the limit", "the headers and the path are too long");
        if (r == -ENODATA)
                return output_error("send a file that nobody changes meanwhile", "the file became shorter while it was sent");
        if (r < 0)
                return client_error(r);

        r = http_read_head(&http, strcmp(request->method, "HEAD") == 0, ret_head);
        if (r != 0)
                return client_error(r);

        *ret_http = http;
        http = (Http) {.fd = -1};
        return 0;
}

bool client_is_problem(const HttpHead *head) {
        const char *proxy = http_head_find(head, "Proxy-Status");

        return proxy && strncmp(proxy, "midtls;", 7) == 0;
}

/* Return: 0 or an outcome or -errno of http.h */
static int read_document(Http *http, Buf *document) {
        for (;;) {
                uint8_t data[16384];
                size_t size;
                int r;

                r = http_read_body(http, data, sizeof(data), &size);
                if (r != 0 || size == 0)
                        return r;
                r = buf_append(document, data, size);
                if (r < 0)
                        return r == -EMSGSIZE ? HTTP_TOO_LARGE : r;
        }
}

static int read_json(Http *http, json_t **ret) {
        _cleanup_(buf_done) Buf document = BUF_INIT(DOCUMENT_MAX);
        json_t *json;
        int r;

        r = read_document(http, &document);
        if (r != 0)
                return client_error(r);

        json = document.size > 0 ? json_loadb((const char *) document.data, document.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!json_is_object(json)) {
                json_decref(json);
                return output_error("is the socket really calld's?", "the answer is not a JSON object");
        }

        *ret = json;
        return 0;
}

int client_show_problem(const Options *o, Http *http) {
        _cleanup_(json_decrefp) json_t *problem = NULL;
        int r;

        r = read_json(http, &problem);
        return r != 0 ? r : output_problem(o, problem);
}

int client_get_json(const Options *o, const char *method, const char *path, json_t **ret) {
        _cleanup_(http_done) Http http = {.fd = -1};
        _cleanup_(http_head_done) HttpHead head = HTTP_HEAD_INIT;
        ClientRequest request = {.method = method, .target = path, .authority = "midtls", .idle_usec = DOCUMENT_IDLE_USEC, .upload = {.fd = -1}};
        int r;

        /* RFC 9110, 8.6: a POST without content says so. */
        request.upload.given = strcmp(method, "POST") == 0;
        if (request.upload.given)
                request.idle_usec = ACTION_IDLE_USEC;

        r = client_request(o, &request, &http, &head);
        if (r != 0)
                return r;
        if (client_is_problem(&head))
                return client_show_problem(o, &http);
        if (head.status != 200)
                return output_error("is the socket really calld's?", "%s answers with status %u", path, head.status);

        return read_json(&http, ret);
}
