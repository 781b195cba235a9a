/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/lib/activate-listen.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int open_at(int fd, const char *path, const char *temporary) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        if (strlen(temporary) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        memcpy(address.sun_path, temporary, strlen(temporary) + 1);

        (void) unlink(temporary);
        if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        if (chmod(temporary, 0660) < 0 || listen(fd, 512) < 0)
                return -errno;

        /* Whoever sees the path can connect. */
        return rename(temporary, path) < 0 ? -errno : 0;
}

int listen_socket_open(ListenSocket *s) {
        char temporary[sizeof(((struct sockaddr_un *) 0)->sun_path)];
        int fd, r;

        if ((size_t) snprintf(temporary, sizeof(temporary), "%s~", s->path) >= sizeof(temporary))
                return -ENAMETOOLONG;

        fd = socket(AF_UNIX, s->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;

        r = open_at(fd, s->path, temporary);
        if (r < 0) {
                close(fd);
                return r;
        }

        s->fd = fd;
        return 0;
}

bool listen_socket_names(const ListenSocket *sockets, size_t n_sockets, char *buffer, size_t size) {
        size_t used = 0;

        buffer[0] = '\0';
        for (size_t i = 0; i < n_sockets; i++) {
                int n = snprintf(buffer + used, size - used, "%s%s", i > 0 ? ":" : "", sockets[i].name);

                if (n < 0 || (size_t) n >= size - used)
                        return false;
                used += (size_t) n;
        }

        return true;
}
