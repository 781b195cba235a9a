#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Counters since the start, and their text for OpenMetrics */

#include "calld/call/call.h"
#include "common/buf.h"

typedef struct Metrics {
        uint64_t n_by_code[_CALL_CODE_MAX];
        uint64_t bytes_out, bytes_in;
        uint64_t n_signatures, n_resumed, n_reused;
        uint64_t n_retries;
        uint64_t duration_usec;
} Metrics;

/* A call that has ended. */
void metrics_count(Metrics *m, CallCode code, const CallReport *report, uint64_t duration_usec);

typedef struct MetricsNow {
        unsigned n_calls;
        bool keyd_up;
        const Directory *directory;
} MetricsNow;

/* Return: as buf_printf */
int metrics_format(const Metrics *m, const MetricsNow *now, Buf *ret) _must_check_;
