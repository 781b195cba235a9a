#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a process tries that was taken over: each try does no harm when it succeeds */

#include "common/def.h"

typedef struct Try {
        const char *name;
        int (*run)(const char *argument); /* 0: it was let through; else -errno */
        const char *argument;
} Try;

typedef struct TryList {
        const Try *items;
        size_t n_items;
} TryList;

TryList escape_files(void);
TryList escape_kernel(void);
TryList escape_memory(void);
TryList escape_network(void);
TryList escape_processes(void);

/* Another process, which is not to be looked at, from --victim=PID */
extern pid_t escape_victim;

/* What the program in whose place we are gives up by itself; each variant of this program links that of one. Return: 0 or -errno */
int escape_confine(void) _must_check_;

/* -errno for a failed system call */
static inline int try_result(long result) {
        return result < 0 ? -errno : 0;
}

/* The same, where @passed is what a call answers that was let through and then found nothing to do. */
static inline int try_passed(long result, int passed) {
        int r = try_result(result);

        return r == -passed ? 0 : r;
}

/* The same of an open descriptor */
static inline int try_fd(long fd) {
        int r = try_result(fd);

        if (r == 0)
                close((int) fd);
        return r;
}
