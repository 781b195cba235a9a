/* SPDX-License-Identifier: Apache-2.0 */

#include "common/notify.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static int notify_fd = -1;

/* Return: the address's size; 0: there is no manager */
static socklen_t find_manager(struct sockaddr_un *ret) {
        const char *path = getenv("NOTIFY_SOCKET");
        size_t size = path ? strlen(path) : 0;

        if (size < 2 || size >= sizeof(ret->sun_path))
                return 0;

        *ret = (struct sockaddr_un) {.sun_family = AF_UNIX};
        memcpy(ret->sun_path, path, size);
        if (path[0] == '@')
                ret->sun_path[0] = '\0';
        return (socklen_t) (offsetof(struct sockaddr_un, sun_path) + size);
}

int notify_open(void) {
        struct sockaddr_un ignored;

        if (notify_fd >= 0 || find_manager(&ignored) == 0)
                return 0;

        notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        return notify_fd < 0 ? -errno : 0;
}

void notify_send(const char *state) {
        struct sockaddr_un address;
        socklen_t size = find_manager(&address);

        if (size == 0 || notify_open() < 0)
                return;
        ignore_result(sendto(notify_fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *) &address, size),
                      "a manager that does not read has other worries");
}
