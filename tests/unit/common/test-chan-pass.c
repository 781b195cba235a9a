/* SPDX-License-Identifier: Apache-2.0 */

#include "common/chan-pass.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "tests/unit/lib/unit.h"

typedef struct Pair {
        int a, b;
} Pair;

static Pair make_pair(void) {
        int fds[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
        return (Pair) {.a = fds[0], .b = fds[1]};
}

static void pair_done(Pair *p) {
        close_fdp(&p->a);
        close_fdp(&p->b);
}

static void test_with_and_without(void **state) {
        _cleanup_(pair_done) Pair p = make_pair();
        _cleanup_(buf_done) Buf record = BUF_INIT(16);
        _cleanup_fd_ int passed = -1;

        assert_int_equal(chan_send_with(p.a, SPAN_LITERAL("one"), -1), 0);
        assert_int_equal(chan_send_with(p.a, SPAN_LITERAL("two"), p.a), 0);

        assert_int_equal(chan_receive_with(p.b, &record, &passed), 0);
        assert_true(span_is(buf_span(&record), "one"));
        assert_int_equal(passed, -1);
        assert_int_equal(chan_receive_with(p.b, &record, &passed), 0);
        assert_true(span_is(buf_span(&record), "two"));
        assert_true(passed >= 0);
        assert_int_equal(fcntl(passed, F_GETFD), FD_CLOEXEC);
        assert_int_equal(chan_receive_with(p.b, &record, &passed), -EAGAIN);
}

static int lowest_free(void) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

        assert_true(fd >= 0);
        close(fd);
        return fd;
}

/* Neither record is taken, and nothing of them is left open. */
static void test_violations(void **state) {
        _cleanup_(pair_done) Pair p = make_pair();
        _cleanup_(buf_done) Buf record = BUF_INIT(4);
        union {
                struct cmsghdr header;
                uint8_t bytes[CMSG_SPACE(2 * sizeof(int))];
        } control = {.header = {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(2 * sizeof(int))}};
        char two[] = "two";
        struct iovec iov = {.iov_base = two, .iov_len = 3};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
        int before = lowest_free(), passed = -1;

        memcpy(CMSG_DATA(&control.header), (int[]) {p.a, p.b}, 2 * sizeof(int));
        assert_int_equal(sendmsg(p.a, &m, 0), 3);
        assert_int_equal(chan_send_with(p.a, SPAN_LITERAL("long one"), p.a), 0);

        assert_int_equal(chan_receive_with(p.b, &record, &passed), CHAN_E_VIOLATION);
        assert_int_equal(chan_receive_with(p.b, &record, &passed), CHAN_E_VIOLATION);
        assert_int_equal(passed, -1);
        assert_int_equal(lowest_free(), before);
}

static void test_end(void **state) {
        _cleanup_(pair_done) Pair p = make_pair();
        _cleanup_(buf_done) Buf record = BUF_INIT(4);
        int passed = -1;

        close_fdp(&p.a);
        assert_int_equal(chan_receive_with(p.b, &record, &passed), CHAN_E_CLOSED);
        assert_int_equal(chan_send_with(p.b, SPAN_LITERAL("x"), -1), -EPIPE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_with_and_without),
                cmocka_unit_test(test_violations),
                cmocka_unit_test(test_end),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
