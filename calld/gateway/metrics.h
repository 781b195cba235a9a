#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Counters since the start, and their text for OpenMetrics or for Prometheus's older format
 *
 * Labels are names of connections and profiles that keyd stated, codes and reasons: never anything that a caller or a far server can choose.
 */

#include "calld/call/call.h"
#include "common/buf.h"

/* Connections with counters of their own; of those beyond, the sums are kept. */
#define METRICS_ALIASES_MAX 1024U

/* Upper bounds of the durations of calls */
#define METRICS_BUCKETS 12U
#define METRICS_BUCKET_USEC \
        { 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 60000000 }

typedef struct AliasCount {
        char alias[PROTO_NAME_MAX + 1]; /* empty: no connection was found */
        uint64_t n_by_code[_CALL_CODE_MAX];
} AliasCount;

/* Observations of a duration. */
typedef struct Durations {
        uint64_t n;
        uint64_t sum_usec;
} Durations;

typedef struct Metrics {
        AliasCount *aliases; /* sorted by alias; owned */
        size_t n_aliases;
        uint64_t n_lost; /* calls that no memory was there to count by alias */
        uint64_t n_buckets[METRICS_BUCKETS + 1];
        Durations calls, signatures, queue, execution;
        uint64_t bytes_out, bytes_in;
        uint64_t n_full, n_resumed, n_reused;
        uint64_t n_retries, n_unanswered;
        uint64_t n_refused[_REFUSAL_MAX];
} Metrics;

/* A call that has ended. @alias: of its connection; empty when none was found. */
void metrics_count(Metrics *m, Span alias, CallCode code, const CallReport *report, uint64_t duration_usec);

/* Return: 0 or -ENOMEM */
int metrics_copy(const Metrics *m, Metrics *ret) _must_check_;
void metrics_done(Metrics *m);

typedef enum MetricsForm {
        METRICS_OPENMETRICS, /* version 1.0.0 */
        METRICS_PLAIN,       /* Prometheus's text format, version 0.0.4 */
} MetricsForm;

typedef struct MetricsNow {
        unsigned n_calls, n_workers;
        unsigned n_draining;         /* connections of former configurations that calls still use */
        uint64_t configuration_usec; /* realtime: when keyd last stated the configuration; 0: never */
        bool keyd_up;
        const char *sandbox; /* a text of ours, without quotes */
        const Directory *directory;
} MetricsNow;

/* metrics-format.c. Return: as buf_printf */
int metrics_format(const Metrics *m, const MetricsNow *now, MetricsForm form, Buf *ret) _must_check_;

/* metrics-profile.c: what is said of each profile. @b is a text under way. Return: as buf_printf */
typedef struct MetricsText {
        Buf *buf;
        MetricsForm form;
        int r; /* of what went before */
} MetricsText;

void metrics_family(MetricsText *t, const char *name, const char *type, const char *unit, const char *help);
void metrics_printf(MetricsText *t, const char *format, ...) _printf_(2, 3);
void metrics_profiles(MetricsText *t, const Directory *d);
