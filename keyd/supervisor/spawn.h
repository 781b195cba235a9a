#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Starting a role: its executable, exactly the descriptors it needs, a clean environment; and the socket pairs between roles */

#include <sys/types.h>

#include "common/role.h"

/* Descriptors that are given to roles begin here, out of the way of the numbers at which a role finds its own. */
#define SPAWN_FD_MIN 16
#define SPAWN_FDS_MAX (4U + ROLE_STORES)

/* The exit status of a child that could not become its role */
#define SPAWN_EXIT_FAILED 127

typedef struct SpawnRequest {
        const char *folder;     /* of the executables */
        const char *name;       /* "keyd-signer" */
        const char *config_dir; /* NULL: not passed */
        const char *log;        /* NULL: not passed */
        bool sandbox_off;
        bool credentials;       /* $CREDENTIALS_DIRECTORY and $STATE_DIRECTORY are passed */
        int fds[SPAWN_FDS_MAX]; /* to be found at 3, 4, 5 and so on; all at least SPAWN_FD_MIN; -1: closed */
} SpawnRequest;

/* Control, verdicts and keys at their numbers, the journal's socket where there is one; the others closed. */
void spawn_set_fds(SpawnRequest *q, int control, int verdicts, int keys);

/* The child ends with us, whatever ends us. Return: 0 or -errno */
int spawn_role(const SpawnRequest *q, pid_t *ret) _must_check_;

/* A SOCK_SEQPACKET pair, CLOEXEC, non-blocking, at SPAWN_FD_MIN or above. Return: 0 or -errno */
int spawn_pair(int ret[2]) _must_check_;

/* A descriptor that becomes readable when the child @pid ends, CLOEXEC. Return: 0 or -errno */
int spawn_open_pidfd(pid_t pid, int *ret) _must_check_;
