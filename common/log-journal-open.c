/* SPDX-License-Identifier: Apache-2.0 */

/* Apart from log.c, so that a role that gets the socket from its parent does not import socket(). */

#include <fcntl.h>
#include <sys/socket.h>

#include "common/log.h"

/* A record is a few KiB; the kernel's default has room for it, a larger one for a burst. */
#define SEND_BUFFER_SIZE (1024 * 1024)

int log_open_journal(int fd_min) {
        _cleanup_fd_ int fd = -1;
        int size = SEND_BUFFER_SIZE, high;

        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        ignore_result(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), "the default has room for a record");

        high = fcntl(fd, F_DUPFD_CLOEXEC, fd_min);
        return high < 0 ? -errno : high;
}
