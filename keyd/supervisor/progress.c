/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/supervisor/progress.h"

#include <time.h>

#define CHECK_USEC_MIN (10 * USEC_PER_MSEC)

/* 0 when there is no such process: then its end is told anyway. */
static uint64_t cpu_usec(pid_t pid) {
        struct timespec t;
        clockid_t clock;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
                return 0;

        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

void progress_begin(Progress *p, Span profile) {
        ASSERT(profile.size <= PROTO_NAME_MAX);

        span_copy_text(profile, p->profile, sizeof(p->profile));
        p->begun_usec = now_usec();
        p->begun_cpu_usec = cpu_usec(p->pid);
}

uint64_t progress_cpu_usec(const Progress *p) {
        uint64_t now = cpu_usec(p->pid);

        return now > p->begun_cpu_usec ? now - p->begun_cpu_usec : 0;
}

/* What others do on this host is no fault of the profile's: slow is who has had the CPU for long, late is who has not moved for longer. */
ProgressState progress_check(const Progress *p, const SupervisorParameters *limits, bool patient, uint64_t *ret_usec) {
        uint64_t waited = now_usec() - p->begun_usec, limit = patient ? limits->patience_usec : limits->profile_usec, cpu;

        if (waited >= limit)
                return PROGRESS_LATE;

        *ret_usec = limit - waited;
        if (patient)
                return PROGRESS_GOES_ON;

        cpu = progress_cpu_usec(p);
        if (cpu >= limits->slow_usec)
                return PROGRESS_SLOW;

        *ret_usec = MIN_OF(*ret_usec, MAX_OF(limits->slow_usec - cpu, CHECK_USEC_MIN));
        return PROGRESS_GOES_ON;
}
