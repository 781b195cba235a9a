/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/chan.h"
#include "tests/unit/lib/unit.h"

typedef struct Pair {
        int a, b;
} Pair;

static Pair pair_new(void) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
        return (Pair) {fds[0], fds[1]};
}

static void pair_done(Pair *p) {
        close_fdp(&p->a);
        close_fdp(&p->b);
}

static unsigned count_descriptors(void) {
        unsigned n = 0;

        for (int fd = 0; fd < 256; fd++)
                n += fcntl(fd, F_GETFD) >= 0;
        return n;
}

static void test_records_stay_whole(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(chan_send(p.a, SPAN_LITERAL("one"), 0), 0);
        assert_int_equal(chan_send(p.a, SPAN_LITERAL("0123456789"), 0), 0);
        assert_int_equal(chan_receive(p.b, &b, 0), 0);
        assert_true(span_is(buf_span(&b), "one"));
        assert_int_equal(chan_receive(p.b, &b, 0), 0);
        assert_true(span_is(buf_span(&b), "0123456789"));
}

static void test_nothing_there(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(chan_receive(p.b, &b, 0), -EAGAIN);
        assert_int_equal(chan_receive(p.b, &b, 1), -ETIMEDOUT);
        assert_int_equal(chan_receive(p.b, &b, deadline_after(5 * USEC_PER_MSEC)), -ETIMEDOUT);
        assert_int_equal(b.size, 0);
}

/* The record that is too long is not taken, not even in part; the next one is. */
static void test_too_long(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(chan_send(p.a, SPAN_LITERAL("0123456789a"), 0), 0);
        assert_int_equal(chan_send(p.a, SPAN_LITERAL("next"), 0), 0);
        assert_int_equal(chan_receive(p.b, &b, 0), CHAN_E_VIOLATION);
        assert_int_equal(b.size, 0);
        assert_int_equal(chan_receive(p.b, &b, 0), 0);
        assert_true(span_is(buf_span(&b), "next"));
}

static void send_descriptor(int fd, int passed) {
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(sizeof(int))];
        } control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
        char byte = 0;
        struct iovec iov = {.iov_base = &byte, .iov_len = 1};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};

        memcpy(CMSG_DATA(&control.header), &passed, sizeof(passed));
        assert_int_equal(sendmsg(fd, &m, 0), 1);
}

static void test_descriptor_is_refused(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        _cleanup_(buf_done) Buf b = BUF_INIT(10);
        unsigned n_before = count_descriptors();

        send_descriptor(p.a, STDERR_FILENO);
        assert_int_equal(chan_receive(p.b, &b, 0), CHAN_E_VIOLATION);
        assert_int_equal(b.size, 0);
        assert_int_equal(count_descriptors(), n_before);
}

static void test_closed(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(chan_send(p.a, SPAN_LITERAL("last"), 0), 0);
        close_fdp(&p.a);
        assert_int_equal(chan_receive(p.b, &b, 0), 0);
        assert_int_equal(chan_receive(p.b, &b, 0), CHAN_E_CLOSED);
        assert_int_equal(chan_receive(p.b, &b, deadline_after(USEC_PER_SEC)), CHAN_E_CLOSED);
        assert_int_equal(chan_send(p.b, SPAN_LITERAL("x"), 0), -EPIPE);
}

static void test_no_room(void **state) {
        _cleanup_(pair_done) Pair p = pair_new();
        int r = 0;

        for (unsigned i = 0; i < 100000 && r == 0; i++)
                r = chan_send(p.a, SPAN_LITERAL("0123456789"), 0);
        assert_int_equal(r, -EAGAIN);
        assert_int_equal(chan_send(p.a, SPAN_LITERAL("x"), deadline_after(5 * USEC_PER_MSEC)), -ETIMEDOUT);
}

static int listen_at(const char *path, int backlog) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(bind(fd, (const struct sockaddr *) &address, sizeof(address)), 0);
        if (backlog >= 0)
                assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

typedef struct Place {
        char folder[32];
        char path[64];
} Place;

static Place place_new(void) {
        Place p = {.folder = "/tmp/test-chan.XXXXXX"};

        assert_non_null(mkdtemp(p.folder));
        snprintf(p.path, sizeof(p.path), "%s/sock", p.folder);
        return p;
}

static void place_done(Place *p) {
        unlink(p->path);
        rmdir(p->folder);
}

static void test_connect(void **state) {
        _cleanup_(place_done) Place p = place_new();
        _cleanup_fd_ int listener = listen_at(p.path, 4), fd = -1, accepted = -1;
        _cleanup_(buf_done) Buf b = BUF_INIT(10);

        assert_int_equal(chan_connect(p.path, 0, &fd), 0);
        assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
        accepted = accept(listener, NULL, NULL);
        assert_int_equal(chan_send(accepted, SPAN_LITERAL("hi"), 0), 0);
        assert_int_equal(chan_receive(fd, &b, 0), 0);
        assert_true(span_is(buf_span(&b), "hi"));
}

static void test_connect_fails(void **state) {
        _cleanup_(place_done) Place p = place_new();
        _cleanup_fd_ int bound = -1;
        char path[200];
        int fd = -1;

        assert_int_equal(chan_connect(p.path, USEC_INFINITY, &fd), -ENOENT);
        bound = listen_at(p.path, -1);
        assert_int_equal(chan_connect(p.path, USEC_INFINITY, &fd), -ECONNREFUSED);

        memset(path, 'x', sizeof(path));
        path[sizeof(((struct sockaddr_un *) NULL)->sun_path)] = 0;
        assert_int_equal(chan_connect(path, 0, &fd), -ENAMETOOLONG);
        assert_int_equal(fd, -1);
}

/* A full backlog is waited for, but no longer than the deadline. */
static void test_connect_backlog(void **state) {
        _cleanup_(place_done) Place p = place_new();
        _cleanup_fd_ int listener = listen_at(p.path, 0), first = -1, second = -1;

        assert_int_equal(chan_connect(p.path, 0, &first), 0);
        assert_int_equal(chan_connect(p.path, deadline_after(12 * USEC_PER_MSEC), &second), -ETIMEDOUT);
        assert_int_equal(second, -1);
        close(accept(listener, NULL, NULL));
        assert_int_equal(chan_connect(p.path, deadline_after(5 * USEC_PER_SEC), &second), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_records_stay_whole),
                cmocka_unit_test(test_nothing_there),
                cmocka_unit_test(test_too_long),
                cmocka_unit_test(test_descriptor_is_refused),
                cmocka_unit_test(test_closed),
                cmocka_unit_test(test_no_room),
                cmocka_unit_test(test_connect),
                cmocka_unit_test(test_connect_fails),
                cmocka_unit_test(test_connect_backlog),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
