/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/calld/cli/fake-calld.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define REQUEST_MAX (4U * 1024 * 1024)

/* Whether head and body are there: Content-Length, or the last chunk. */
static bool is_complete(const Buf *b) {
        const char *head = (const char *) b->data, *end = head ? memmem(head, b->size, "\r\n\r\n", 4) : NULL, *length;
        size_t head_size = end ? (size_t) (end - head) + 4 : 0;

        if (!end)
                return false;
        if (memmem(head, head_size, "Transfer-Encoding: chunked", 26))
                return memcmp(head + b->size - 5, "0\r\n\r\n", 5) == 0;

        length = memmem(head, head_size, "Content-Length: ", 16);
        return !length || b->size - head_size >= strtoull(length + 16, NULL, 10);
}

static void read_request(int fd, Buf *request) {
        char data[65536];

        while (!is_complete(request)) {
                ssize_t n = recv(fd, data, sizeof(data), 0);

                if (n <= 0 || buf_append(request, data, (size_t) n) < 0)
                        return;
        }
}

static const char *find_answer(const FakeCalld *f, const Buf *request) {
        const CannedAnswer *a;

        for (a = f->answers; a->begin; a++)
                if (request->size >= strlen(a->begin) && memcmp(request->data, a->begin, strlen(a->begin)) == 0)
                        return a->answer;

        return "HTTP/1.1 599 No such answer\r\nContent-Length: 0\r\n\r\n";
}

static void serve(FakeCalld *f, int fd) {
        _cleanup_(buf_done) Buf request = BUF_INIT(REQUEST_MAX);
        const char *answer;
        size_t size;

        read_request(fd, &request);
        answer = find_answer(f, &request);

        pthread_mutex_lock(&f->lock);
        buf_clear(&f->last);
        ASSERT(buf_append(&f->last, request.data, request.size) == 0);
        pthread_mutex_unlock(&f->lock);

        for (size = strlen(answer); size > 0;) {
                ssize_t n = send(fd, answer, size, MSG_NOSIGNAL);

                if (n <= 0)
                        return;
                answer += n;
                size -= (size_t) n;
        }
}

static void *run(void *userdata) {
        FakeCalld *f = userdata;

        for (;;) {
                struct pollfd p[] = {{.fd = f->fd, .events = POLLIN}, {.fd = f->stop, .events = POLLIN}};
                _cleanup_fd_ int fd = -1;

                ASSERT(poll(p, ARRAY_SIZE(p), -1) > 0);
                if (p[1].revents)
                        return NULL;
                fd = accept4(f->fd, NULL, NULL, SOCK_CLOEXEC);
                ASSERT(fd >= 0);
                serve(f, fd);
        }
}

FakeCalld *fake_calld_new(const CannedAnswer *answers) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        FakeCalld *f = calloc(1, sizeof(*f));

        ASSERT(f);
        f->answers = answers;
        f->last.max = REQUEST_MAX;
        snprintf(f->path, sizeof(f->path), "/tmp/test-cli-%d.sock", (int) getpid());
        memcpy(address.sun_path, f->path, sizeof(f->path));
        unlink(f->path);

        f->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT(bind(f->fd, (const struct sockaddr *) &address, sizeof(address)) == 0 && listen(f->fd, 16) == 0);
        f->stop = eventfd(0, EFD_CLOEXEC);
        ASSERT(pthread_mutex_init(&f->lock, NULL) == 0 && pthread_create(&f->thread, NULL, run, f) == 0);
        return f;
}

FakeCalld *fake_calld_free(FakeCalld *f) {
        const uint64_t one = 1;

        if (!f)
                return NULL;

        ASSERT(write(f->stop, &one, sizeof(one)) == sizeof(one));
        pthread_join(f->thread, NULL);
        unlink(f->path);
        close(f->fd);
        close(f->stop);
        buf_done(&f->last);
        free(f);
        return NULL;
}

char *fake_calld_take_request(FakeCalld *f) {
        char *copy;

        pthread_mutex_lock(&f->lock);
        copy = strndup(f->last.data ? (const char *) f->last.data : "", f->last.size);
        buf_clear(&f->last);
        pthread_mutex_unlock(&f->lock);
        return copy;
}
