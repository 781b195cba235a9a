/* SPDX-License-Identifier: Apache-2.0 */

#include "common/chan-pass.h"

#include <sys/socket.h>

typedef union Control {
        struct cmsghdr header;
        uint8_t bytes[CMSG_SPACE(sizeof(int))];
} Control;

int chan_send_with(int fd, Span record, int passed) {
        struct iovec iov = {.iov_base = (void *) record.data, .iov_len = record.size};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
        Control control = {};
        ssize_t n;

        ASSERT(record.size > 0);
        if (passed >= 0) {
                m.msg_control = control.bytes;
                m.msg_controllen = sizeof(control.bytes);
                *CMSG_FIRSTHDR(&m) = (struct cmsghdr) {.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
                memcpy(CMSG_DATA(CMSG_FIRSTHDR(&m)), &passed, sizeof(int));
        }

        n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        return (size_t) n == record.size ? 0 : -EIO;
}

/* unix(7): what there was no room for is closed by the kernel and flagged. There is room for one, which is less than CMSG_SPACE() of one. */
static int take_descriptor(struct msghdr *m) {
        const struct cmsghdr *c = CMSG_FIRSTHDR(m);
        int passed = -1;

        if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
                memcpy(&passed, CMSG_DATA(c), sizeof(int));
        return passed;
}

int chan_receive_with(int fd, Buf *ret, int *ret_passed) {
        _cleanup_fd_ int passed = -1;
        Control control = {};
        struct iovec iov;
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_LEN(sizeof(int))};
        uint8_t *p;
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

        passed = take_descriptor(&m);
        if ((m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || (m.msg_controllen > 0 && passed < 0))
                return CHAN_E_VIOLATION;
        if (n == 0)
                return CHAN_E_CLOSED;

        ret->size = (size_t) n;
        *ret_passed = TAKE_FD(passed);
        return 0;
}
