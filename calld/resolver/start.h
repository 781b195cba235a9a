#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Starting calld-resolver: once, before calld confines itself */

#include "common/def.h"

/* Where the resolver finds its channels, one behind the other. */
#define RESOLVER_FD_FIRST 3

typedef struct ResolverStart {
        const char *keyd_socket;
        const char *log; /* as for --log=; NULL: not passed */
        bool sandbox_off;
        size_t n_channels; /* at most SERVER_CLIENTS_MAX */
} ResolverStart;

/*
 * Starts the executable beside our own. It ends with us, whatever ends us.
 *
 * @ret_fds: room for n_channels; our ends of the channels, CLOEXEC and non-blocking, the caller's
 * Return: 0 or -errno
 */
int resolver_start(const ResolverStart *s, int *ret_fds) _must_check_;
