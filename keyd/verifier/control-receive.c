/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/control-receive.h"

#include <sys/socket.h>

typedef union ControlBuffer {
        struct cmsghdr header; /* for the alignment */
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
} ControlBuffer;

/* Takes out every descriptor that came; keeps the first in *ret. Return: how many there were */
static size_t take_descriptors(struct msghdr *m, int *ret) {
        size_t n = 0;

        for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
                if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
                        continue;

                for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
                        if (n++ == 0)
                                *ret = fd;
                        else
                                close(fd);
                }
        }

        return n;
}

int control_receive(int fd, Buf *ret, int *ret_fd) {
        _cleanup_fd_ int taken = -1;
        ControlBuffer control = {};
        struct iovec iov;
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.bytes)};
        size_t n_fds;
        uint8_t *p;
        ssize_t n;
        int r;

        buf_clear(ret);
        r = buf_extend(ret, ret->max, &p);
        if (r < 0)
                return r;

        iov = (struct iovec) {.iov_base = p, .iov_len = ret->max};
        do
                n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        r = n < 0 ? -errno : 0;
        buf_clear(ret);
        if (r < 0)
                return r;

        n_fds = take_descriptors(&m, &taken);
        if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) || n_fds > 1)
                return CHAN_E_VIOLATION;
        if (n == 0)
                return CHAN_E_CLOSED;

        ret->size = (size_t) n;
        *ret_fd = TAKE_FD(taken);
        return 0;
}
