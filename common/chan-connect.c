/* SPDX-License-Identifier: Apache-2.0 */

/* Apart from chan.c, so that a role that only talks on what it was given imports neither socket() nor connect(). */

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/chan.h"

int chan_connect(const char *path, uint64_t deadline_usec, int *ret_fd) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        _cleanup_fd_ int fd = -1;
        size_t size = strlen(path);

        if (size >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, path, size);

        fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        while (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0) {
                /* unix(7): EAGAIN says that the backlog is full; nothing tells when that ends. */
                if (errno != EAGAIN && errno != EINTR)
                        return -errno;
                if (now_usec() >= deadline_usec)
                        return -ETIMEDOUT;
                poll(NULL, 0, 5);
        }

        *ret_fd = TAKE_FD(fd);
        return 0;
}
