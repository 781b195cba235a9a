/* SPDX-License-Identifier: Apache-2.0 */

/* OpenMetrics 1.0.0; the older format differs in what a counter's family is called, and has neither units nor an end */

#include <stdarg.h>
#include <string.h>

#include "calld/gateway/metrics.h"
#include "common/msg-refusal.h"

typedef unsigned long long ull;

#define SECONDS "%llu.%06llu"
#define SECONDS_ARGS(usec) (ull)((usec) / USEC_PER_SEC), (ull) ((usec) % USEC_PER_SEC)

void metrics_printf(MetricsText *t, const char *format, ...) {
        char line[512];
        va_list ap;
        int n;

        if (t->r < 0)
                return;

        va_start(ap, format);
        n = vsnprintf(line, sizeof(line), format, ap);
        va_end(ap);
        t->r = n < 0 || (size_t) n >= sizeof(line) ? -EMSGSIZE : buf_append(t->buf, line, (size_t) n);
}

void metrics_family(MetricsText *t, const char *name, const char *type, const char *unit, const char *help) {
        const char *suffix = t->form == METRICS_PLAIN && strcmp(type, "counter") == 0 ? "_total" : "";

        metrics_printf(t, "# TYPE %s%s %s\n", name, suffix, type);
        if (unit && t->form == METRICS_OPENMETRICS)
                metrics_printf(t, "# UNIT %s %s\n", name, unit);
        metrics_printf(t, "# HELP %s%s %s\n", name, suffix, help);
}

/* Names of connections need no quoting: letters, digits, '-', '_' and '.'. Codes that a connection never had are left out. */
static void put_calls(MetricsText *t, const Metrics *m) {
        metrics_family(t, "midtls_calls", "counter", NULL, "Calls that have ended, by connection and by what became of them.");
        for (size_t i = 0; i < m->n_aliases; i++)
                for (unsigned k = 0; k < _CALL_CODE_MAX; k++)
                        if (m->aliases[i].n_by_code[k] > 0)
                                metrics_printf(t, "midtls_calls_total{alias=\"%s\",code=\"%s\"} %llu\n", m->aliases[i].alias,
                                               call_code_row((CallCode) k)->name, (ull) m->aliases[i].n_by_code[k]);
}

static void put_durations(MetricsText *t, const Metrics *m) {
        static const uint64_t bucket_usec[METRICS_BUCKETS] = METRICS_BUCKET_USEC;
        uint64_t n = 0;

        metrics_family(t, "midtls_call_duration_seconds", "histogram", "seconds", "From a request's header to the end of its call.");
        for (size_t i = 0; i < METRICS_BUCKETS; i++) {
                n += m->n_buckets[i];
                metrics_printf(t, "midtls_call_duration_seconds_bucket{le=\"%g\"} %llu\n", (double) bucket_usec[i] / USEC_PER_SEC, (ull) n);
        }
        metrics_printf(t, "midtls_call_duration_seconds_bucket{le=\"+Inf\"} %llu\n", (ull) m->calls.n);
        metrics_printf(t, "midtls_call_duration_seconds_sum " SECONDS "\n", SECONDS_ARGS(m->calls.sum_usec));
        metrics_printf(t, "midtls_call_duration_seconds_count %llu\n", (ull) m->calls.n);
}

static void put_summary(MetricsText *t, const char *name, const char *help, const Durations *d) {
        metrics_family(t, name, "summary", "seconds", help);
        metrics_printf(t, "%s_sum " SECONDS "\n", name, SECONDS_ARGS(d->sum_usec));
        metrics_printf(t, "%s_count %llu\n", name, (ull) d->n);
}

static void put_handshakes(MetricsText *t, const Metrics *m) {
        metrics_family(t, "midtls_handshakes", "counter", NULL,
                       "Where the connections of calls came from: full (signed by keyd), resumed (a TLS session), reused (a kept connection).");
        metrics_printf(t, "midtls_handshakes_total{kind=\"full\"} %llu\n", (ull) m->n_full);
        metrics_printf(t, "midtls_handshakes_total{kind=\"resumed\"} %llu\n", (ull) m->n_resumed);
        metrics_printf(t, "midtls_handshakes_total{kind=\"reused\"} %llu\n", (ull) m->n_reused);
}

static void put_refusals(MetricsText *t, const Metrics *m) {
        metrics_family(t, "midtls_signatures_refused", "counter", NULL, "Signatures that keyd refused, by rule.");
        for (unsigned i = 0; i < _REFUSAL_MAX; i++)
                metrics_printf(t, "midtls_signatures_refused_total{reason=\"%s\"} %llu\n", refusal_code_to_string(i), (ull) m->n_refused[i]);
}

typedef struct CounterRow {
        const char *name, *unit, *help;
        size_t offset;
} CounterRow;

static const CounterRow counters[] = {
        {"midtls_call_sent_bytes", "bytes", "Bytes of request bodies sent.", offsetof(Metrics, bytes_out)},
        {"midtls_call_received_bytes", "bytes", "Bytes of answers' bodies received.", offsetof(Metrics, bytes_in)},
        {"midtls_retries", NULL, "Attempts beyond the first of each call.", offsetof(Metrics, n_retries)},
        {"midtls_signatures_unanswered", NULL, "Signatures that keyd was asked for without an answer.", offsetof(Metrics, n_unanswered)},
        {"midtls_calls_not_counted", NULL, "Calls that are missing in midtls_calls.", offsetof(Metrics, n_lost)},
};

static void put_counters(MetricsText *t, const Metrics *m) {
        for (size_t i = 0; i < ARRAY_SIZE(counters); i++) {
                metrics_family(t, counters[i].name, "counter", counters[i].unit, counters[i].help);
                metrics_printf(t, "%s_total %llu\n", counters[i].name, (ull) * (const uint64_t *) ((const char *) m + counters[i].offset));
        }
}

static void put_gauge(MetricsText *t, const char *name, const char *unit, const char *help, uint64_t value) {
        metrics_family(t, name, "gauge", unit, help);
        metrics_printf(t, "%s %llu\n", name, (ull) value);
}

static void put_now(MetricsText *t, const MetricsNow *now) {
        put_gauge(t, "midtls_calls_in_flight", NULL, "Calls under way.", now->n_calls);
        put_gauge(t, "midtls_workers", NULL, "Threads that make calls.", now->n_workers);
        put_gauge(t, "midtls_keyd_up", NULL, "Whether keyd is there.", now->keyd_up);
        metrics_family(t, "midtls_sandbox", "gauge", NULL, "1: how calld is confined, as in its record of the event sandbox.");
        metrics_printf(t, "midtls_sandbox{level=\"%s\"} 1\n", now->sandbox);
        put_gauge(t, "midtls_connections_draining", NULL, "Former states of connections, counted by worker, that calls under way still use.",
                  now->n_draining);
        metrics_family(t, "midtls_configuration_timestamp_seconds", "gauge", "seconds",
                       "When keyd last stated a configuration that differs, in seconds since 1970.");
        if (now->configuration_usec > 0)
                metrics_printf(t, "midtls_configuration_timestamp_seconds " SECONDS "\n", SECONDS_ARGS(now->configuration_usec));
}

int metrics_format(const Metrics *m, const MetricsNow *now, MetricsForm form, Buf *ret) {
        MetricsText t = {.buf = ret, .form = form};

        put_calls(&t, m);
        put_durations(&t, m);
        put_summary(&t, "midtls_signature_seconds", "From the request to keyd until its answer, also one that is no signature.", &m->signatures);
        put_summary(&t, "midtls_signature_queue_seconds", "Of that, for each signature that was made: what was waited for.", &m->queue);
        put_summary(&t, "midtls_signature_execution_seconds", "Of that, for each signature that was made: keyd's checks and the signature itself.",
                    &m->execution);
        put_handshakes(&t, m);
        put_refusals(&t, m);
        put_counters(&t, m);
        put_now(&t, now);
        metrics_profiles(&t, now->directory);
        if (form == METRICS_OPENMETRICS)
                metrics_printf(&t, "# EOF\n");
        return t.r;
}
