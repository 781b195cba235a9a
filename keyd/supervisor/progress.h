#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Which profile's files a loader reads, and whether it may go on: time for one profile is time for it alone */

#include <sys/types.h>

#include "common/proto.h"
#include "common/span.h"
#include "keyd/supervisor/supervisor.h"

typedef struct Progress {
        pid_t pid;                        /* of the loader, not reaped */
        char profile[PROTO_NAME_MAX + 1]; /* empty: none's */
        uint64_t begun_usec, begun_cpu_usec;
} Progress;

typedef enum ProgressState {
        PROGRESS_GOES_ON,
        PROGRESS_SLOW, /* it works, but others wait */
        PROGRESS_LATE, /* it may never end */
} ProgressState;

/* @profile: PROTO_NAME_MAX at most */
void progress_begin(Progress *p, Span profile);

/* What reading that profile has cost so far. */
uint64_t progress_cpu_usec(const Progress *p);

/* @patient: it has its time and nobody waits. *ret_usec: when to ask again, if it goes on */
ProgressState progress_check(const Progress *p, const SupervisorParameters *limits, bool patient, uint64_t *ret_usec);
