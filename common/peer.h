#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Who is at the other end of an AF_UNIX connection: as it was at connect() */

#include <sys/types.h>

#include "common/def.h"

typedef struct Peer {
        uid_t uid;
        gid_t gid;
        pid_t pid;         /* for the record only: never a reason to allow anything */
        char context[256]; /* SELinux label, "" without SELinux */
        gid_t groups[256]; /* SO_PEERGROUPS */
        size_t n_groups;
} Peer;

/* Return: 0 or -errno */
int peer_get(int fd, Peer *ret) _must_check_;

/* True when @gid is the primary or a supplementary group. */
bool peer_in_group(const Peer *p, gid_t gid);
