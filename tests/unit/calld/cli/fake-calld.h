#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A small server in a thread that answers as calld would, from a table; it remembers the last request
 */

#include <pthread.h>

#include "common/buf.h"

typedef struct CannedAnswer {
        const char *begin;  /* how the request begins: "GET /status " */
        const char *answer; /* status line, headers and body, as they are sent; NULL ends the table */
} CannedAnswer;

typedef struct FakeCalld {
        const CannedAnswer *answers;
        char path[64];
        int fd, stop;
        pthread_t thread;
        pthread_mutex_t lock;
        Buf last; /* the last request: head and body as they came */
} FakeCalld;

FakeCalld *fake_calld_new(const CannedAnswer *answers);
FakeCalld *fake_calld_free(FakeCalld *f);

/* A copy of the last request, as a string, to be freed. */
char *fake_calld_take_request(FakeCalld *f);
