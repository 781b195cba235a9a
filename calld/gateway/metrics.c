/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/metrics.h"

#include <string.h>

static const uint64_t bucket_usec[METRICS_BUCKETS] = METRICS_BUCKET_USEC;

/* Where @alias is or would be. */
static size_t alias_index(const Metrics *m, const char *alias, bool *ret_found) {
        size_t low = 0, high = m->n_aliases;

        *ret_found = false;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int k = strcmp(alias, m->aliases[middle].alias);

                if (k == 0) {
                        *ret_found = true;
                        return middle;
                }
                if (k < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return low;
}

/* Return: NULL when there is no room */
static AliasCount *alias_get(Metrics *m, Span name) {
        char alias[PROTO_NAME_MAX + 1];
        AliasCount *aliases;
        bool found;
        size_t i;

        span_copy_text(name, alias, sizeof(alias));
        i = alias_index(m, alias, &found);
        if (found)
                return &m->aliases[i];
        if (m->n_aliases >= METRICS_ALIASES_MAX)
                return NULL;

        aliases = calloc(m->n_aliases + 1, sizeof(*aliases));
        if (!aliases)
                return NULL;
        if (i > 0)
                memcpy(aliases, m->aliases, i * sizeof(*aliases));
        if (i < m->n_aliases)
                memcpy(aliases + i + 1, m->aliases + i, (m->n_aliases - i) * sizeof(*aliases));
        memcpy(aliases[i].alias, alias, sizeof(alias));
        free(m->aliases);
        m->aliases = aliases;
        m->n_aliases++;
        return &m->aliases[i];
}

static size_t bucket_of(uint64_t usec) {
        size_t i = 0;

        while (i < METRICS_BUCKETS && usec > bucket_usec[i])
                i++;
        return i;
}

void metrics_count(Metrics *m, Span alias, CallCode code, const CallReport *report, uint64_t duration_usec) {
        AliasCount *count = alias_get(m, alias);

        if (count)
                count->n_by_code[code]++;
        else
                m->n_lost++;

        m->n_buckets[bucket_of(duration_usec)]++;
        m->calls.n++;
        m->calls.sum_usec += duration_usec;
        m->signatures.n += report->n_asked;
        m->signatures.sum_usec += report->sign_usec;
        m->queue.n += report->n_signatures;
        m->queue.sum_usec += report->queue_usec;
        m->execution.n += report->n_signatures;
        m->execution.sum_usec += report->keyd_usec;
        m->bytes_out += report->bytes_out;
        m->bytes_in += report->bytes_in;
        m->n_full += report->n_signatures;
        m->n_resumed += report->resumed;
        m->n_reused += report->reused;
        m->n_retries += report->attempts > 1 ? report->attempts - 1 : 0;
        m->n_unanswered += report->n_unanswered;
        if (report->refused && report->refusal_code < _REFUSAL_MAX)
                m->n_refused[report->refusal_code]++;
}

int metrics_copy(const Metrics *m, Metrics *ret) {
        AliasCount *aliases = NULL;

        if (m->n_aliases > 0) {
                aliases = calloc(m->n_aliases, sizeof(*aliases));
                if (!aliases)
                        return -ENOMEM;
                memcpy(aliases, m->aliases, m->n_aliases * sizeof(*aliases));
        }
        *ret = *m;
        ret->aliases = aliases;
        return 0;
}

void metrics_done(Metrics *m) {
        free(m->aliases);
        *m = (Metrics) {};
}
