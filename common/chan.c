/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The receive buffer has no room for control messages: a passed descriptor is dropped by the kernel and flagged MSG_CTRUNC,
 * so none is ever taken in. A record longer than the buffer is cut and flagged MSG_TRUNC; the next one is intact.
 */

#include "common/chan.h"

#include <poll.h>
#include <sys/socket.h>

static int wait_for(int fd, short events, uint64_t deadline_usec) {
        struct pollfd p = {.fd = fd, .events = events};

        for (;;) {
                int n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));

                if (n > 0)
                        return 0;
                if (n == 0)
                        return -ETIMEDOUT;
                if (errno != EINTR)
                        return -errno;
        }
}

int chan_send(int fd, Span record, uint64_t deadline_usec) {
        ASSERT(record.size > 0);

        for (;;) {
                ssize_t n = send(fd, record.data, record.size, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r;

                if (n >= 0)
                        return (size_t) n == record.size ? 0 : -EIO;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN || deadline_usec == 0)
                        return -errno;

                r = wait_for(fd, POLLOUT, deadline_usec);
                if (r < 0)
                        return r;
        }
}

static int receive_now(int fd, Buf *ret) {
        uint8_t *p;
        struct iovec iov;
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
        ssize_t n;
        int r;

        buf_clear(ret);
        r = buf_extend(ret, ret->max, &p);
        if (r < 0)
                return r;

        iov = (struct iovec) {.iov_base = p, .iov_len = ret->max};
        n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        r = n < 0 ? -errno : 0;
        buf_clear(ret);
        if (r < 0)
                return r;
        if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return CHAN_E_VIOLATION;
        if (n == 0)
                return CHAN_E_CLOSED;

        ret->size = (size_t) n;
        return 0;
}

int chan_receive(int fd, Buf *ret, uint64_t deadline_usec) {
        for (;;) {
                int r = receive_now(fd, ret);

                if (r == -EINTR)
                        continue;
                if (r != -EAGAIN || deadline_usec == 0)
                        return r;

                r = wait_for(fd, POLLIN, deadline_usec);
                if (r < 0)
                        return r;
        }
}
