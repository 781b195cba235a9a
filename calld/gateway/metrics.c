/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/metrics.h"

typedef unsigned long long ull;

void metrics_count(Metrics *m, CallCode code, const CallReport *report, uint64_t duration_usec) {
        m->n_by_code[code]++;
        m->bytes_out += report->bytes_out;
        m->bytes_in += report->bytes_in;
        m->n_signatures += report->signed_by_keyd;
        m->n_resumed += report->resumed;
        m->n_reused += report->reused;
        m->n_retries += report->attempts > 1 ? report->attempts - 1 : 0;
        m->duration_usec += duration_usec;
}

static int put_counter(Buf *b, const char *name, const char *help, uint64_t value) {
        return buf_printf(b, "# TYPE %s counter\n# HELP %s %s\n%s_total %llu\n", name, name, help, name, (ull) value);
}

static int put_gauge(Buf *b, const char *name, const char *help, uint64_t value) {
        return buf_printf(b, "# TYPE %s gauge\n# HELP %s %s\n%s %llu\n", name, name, help, name, (ull) value);
}

static int put_codes(Buf *b, const Metrics *m) {
        int r;

        r = buf_printf(b, "# TYPE midtls_calls counter\n# HELP midtls_calls Calls that have ended, by what became of them.\n");
        for (unsigned i = 0; r == 0 && i < _CALL_CODE_MAX; i++)
                r = buf_printf(b, "midtls_calls_total{code=\"%s\"} %llu\n", call_code_row((CallCode) i)->name, (ull) m->n_by_code[i]);
        return r;
}

/* Names of profiles are letters and digits, so they need no quoting. */
static int put_profiles(Buf *b, const Directory *d) {
        int r;

        r = buf_printf(b, "# TYPE midtls_certificate_not_after_seconds gauge\n"
                          "# UNIT midtls_certificate_not_after_seconds seconds\n"
                          "# HELP midtls_certificate_not_after_seconds When the client certificate expires, in seconds since 1970.\n");
        for (size_t i = 0; r == 0 && i < d->n_profiles; i++) {
                const MsgProfile *p = &d->profiles[i]->m;

                if (p->not_after != 0)
                        r = buf_printf(b, "midtls_certificate_not_after_seconds{profile=\"%.*s\"} %llu\n", (int) p->name.size,
                                       (const char *) p->name.data, (ull) p->not_after);
        }

        if (r == 0)
                r = buf_printf(b, "# TYPE midtls_profile_ready gauge\n# HELP midtls_profile_ready Whether the profile's key can be used.\n");
        for (size_t i = 0; r == 0 && i < d->n_profiles; i++) {
                const MsgProfile *p = &d->profiles[i]->m;

                r = buf_printf(b, "midtls_profile_ready{profile=\"%.*s\"} %d\n", (int) p->name.size, (const char *) p->name.data,
                               p->state == PROTO_STATE_READY);
        }
        return r;
}

typedef struct CounterRow {
        const char *name, *help;
        size_t offset;
} CounterRow;

static const CounterRow counters[] = {
        {"midtls_call_sent_bytes", "Bytes of request bodies sent.", offsetof(Metrics, bytes_out)},
        {"midtls_call_received_bytes", "Bytes of answers' bodies received.", offsetof(Metrics, bytes_in)},
        {"midtls_call_duration_microseconds", "Time spent in calls.", offsetof(Metrics, duration_usec)},
        {"midtls_signatures", "Handshakes that keyd signed.", offsetof(Metrics, n_signatures)},
        {"midtls_resumed_handshakes", "Handshakes that resumed a session.", offsetof(Metrics, n_resumed)},
        {"midtls_retries", "Attempts beyond the first of each call.", offsetof(Metrics, n_retries)},
        {"midtls_reused_connections", "Calls over a kept connection.", offsetof(Metrics, n_reused)},
};

int metrics_format(const Metrics *m, const MetricsNow *now, Buf *ret) {
        int r;

        r = put_codes(ret, m);
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(counters); i++)
                r = put_counter(ret, counters[i].name, counters[i].help, *(const uint64_t *) ((const char *) m + counters[i].offset));
        if (r == 0)
                r = put_gauge(ret, "midtls_calls_in_flight", "Calls under way.", now->n_calls);
        if (r == 0)
                r = put_gauge(ret, "midtls_keyd_up", "Whether keyd is there.", now->keyd_up);
        if (r == 0)
                r = put_profiles(ret, now->directory);
        return r < 0 ? r : buf_printf(ret, "# EOF\n");
}
