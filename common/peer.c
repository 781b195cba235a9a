/* SPDX-License-Identifier: Apache-2.0 */

#include "common/peer.h"

#include <string.h>
#include <sys/socket.h>

/* The socket options of Linux that name a peer without a PID in the decision, see socket(7) and unix(7). */

static int get_context(int fd, Peer *p) {
        socklen_t size = sizeof(p->context) - 1;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERSEC, p->context, &size) < 0) {
                p->context[0] = 0;
                /* No SELinux here, or a label longer than any real one. */
                return errno == ENOPROTOOPT || errno == ERANGE ? 0 : -errno;
        }

        p->context[MIN_OF((size_t) size, sizeof(p->context) - 1)] = 0;
        return 0;
}

static int get_groups(int fd, Peer *p) {
        socklen_t size = sizeof(p->groups);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, p->groups, &size) < 0)
                return -errno;

        p->n_groups = size / sizeof(p->groups[0]);
        return 0;
}

int peer_get(int fd, Peer *ret) {
        Peer p = {};
        struct ucred u;
        socklen_t size = sizeof(u);
        int r;

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &size) < 0)
                return -errno;
        p.uid = u.uid;
        p.gid = u.gid;
        p.pid = u.pid;

        r = get_context(fd, &p);
        if (r < 0)
                return r;
        r = get_groups(fd, &p);
        if (r < 0)
                return r;

        *ret = p;
        return 0;
}

bool peer_in_group(const Peer *p, gid_t gid) {
        if (p->gid == gid)
                return true;

        for (size_t i = 0; i < p->n_groups; i++)
                if (p->groups[i] == gid)
                        return true;

        return false;
}
