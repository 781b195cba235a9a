#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A lookup's process: forked for one name, confined, killed when its time is over */

#include <sys/types.h>

#include "common/msg-resolve.h"

typedef struct LookupProcess {
        pid_t pid; /* 0: none */
        int fd;    /* its ANSWER comes here */
} LookupProcess;

/* Return: 0 or -errno */
int lookup_process_start(const MsgLookup *m, bool sandbox_off, LookupProcess *ret) _must_check_;

/* Kills it if it is still there, and waits for that. */
void lookup_process_end(LookupProcess *p);
