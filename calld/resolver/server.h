#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The resolver's work: takes LOOKUPs from calld's workers, has names looked up, opens connections to keyd, answers
 *
 * It reads nothing from a network and runs no NSS code itself; a lookup process that dies or stays silent costs that one answer.
 */

#include "common/def.h"

#define SERVER_CLIENTS_MAX 64U
#define SERVER_LOOKUPS_MAX 16U /* processes at once */
#define SERVER_JOBS_MAX 256U   /* with those that wait for one */
#define SERVER_LOOKUP_USEC (15 * USEC_PER_SEC)

typedef struct ServerOptions {
        int first_fd; /* of the channels to calld's workers */
        size_t n_fds; /* at most SERVER_CLIENTS_MAX */
        const char *keyd_socket;
        bool sandbox_off;
} ServerOptions;

/* Return: 0 when all channels have ended, -errno */
int server_run(const ServerOptions *o) _must_check_;
