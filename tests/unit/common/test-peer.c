/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>
#include <sys/socket.h>

#include "common/peer.h"
#include "tests/unit/lib/unit.h"

static void test_self(void **state) {
        int fds[2];
        Peer p;

        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
        assert_int_equal(peer_get(fds[0], &p), 0);
        assert_int_equal(p.uid, getuid());
        assert_int_equal(p.gid, getgid());
        assert_int_equal(p.pid, getpid());
        assert_true(memchr(p.context, 0, sizeof(p.context)) != NULL);
        assert_true(peer_in_group(&p, getgid()));
        close(fds[0]);
        close(fds[1]);
}

static void test_groups(void **state) {
        static gid_t own[256];
        int n = getgroups(256, own), fds[2];
        Peer p;

        assert_true(n >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
        assert_int_equal(peer_get(fds[0], &p), 0);
        assert_int_equal(p.n_groups, n);
        for (int i = 0; i < n; i++)
                assert_true(peer_in_group(&p, own[i]));
        close(fds[0]);
        close(fds[1]);
}

static void test_in_group(void **state) {
        Peer p = {.gid = 5, .groups = {7, 9, 11}, .n_groups = 2};

        assert_true(peer_in_group(&p, 5));
        assert_true(peer_in_group(&p, 7));
        assert_true(peer_in_group(&p, 9));
        assert_false(peer_in_group(&p, 11));
        assert_false(peer_in_group(&p, 0));
}

static void test_no_socket(void **state) {
        Peer p = {.pid = 42};

        assert_int_equal(peer_get(-1, &p), -EBADF);
        assert_int_equal(peer_get(STDIN_FILENO, &p), -ENOTSOCK);
        assert_int_equal(p.pid, 42);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_self),
                cmocka_unit_test(test_groups),
                cmocka_unit_test(test_in_group),
                cmocka_unit_test(test_no_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
