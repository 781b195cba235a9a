/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/retry.h"

#include <curl/curl.h>
#include <string.h>

#include "common/parse.h"

#define TENTHS_MAX (RETRY_BUDGET_PER_MINUTE * 10U)
#define TENTH_USEC (60U * USEC_PER_SEC / TENTHS_MAX)

bool retry_method_is_idempotent(const char *method) {
        static const char *const idempotent[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"};

        for (size_t i = 0; i < ARRAY_SIZE(idempotent); i++)
                if (strcmp(method, idempotent[i]) == 0)
                        return true;
        return false;
}

bool retry_status_matches(const MsgConnection *m, unsigned status) {
        char text[16];

        /* who is refused once is refused again, and may be locked out */
        if (status == 401 || status == 403)
                return false;

        snprintf(text, sizeof(text), "%u", status);
        for (size_t i = 0; i < m->retry_status_codes.n_items; i++)
                if (span_is(m->retry_status_codes.items[i], text))
                        return true;
        return false;
}

uint64_t retry_after_parse(const char *value, uint64_t now) {
        uint64_t sec;
        time_t date;

        /* RFC 9110, 10.2.3: delay-seconds or HTTP-date */
        if (*value && strspn(value, "0123456789") == strlen(value)) {
                /* more than fits here is longer than any call */
                if (parse_uint(value, 0, UINT32_MAX, &sec) < 0)
                        sec = UINT32_MAX;
                return sec * USEC_PER_SEC;
        }

        date = curl_getdate(value, NULL);
        if (date < 0)
                return RETRY_AFTER_NONE;
        return (uint64_t) date > now ? MIN_OF((uint64_t) date - now, (uint64_t) UINT32_MAX) * USEC_PER_SEC : 0;
}

/* Doubled each time, then anything between nothing and that ("full jitter"), so that callers which failed together do not come back together. */
static uint64_t jittered(uint64_t interval_usec, const RetryState *s) {
        uint64_t most = interval_usec;

        for (uint32_t i = 0; i < s->n_retries && most < s->timeout_usec; i++)
                most *= 2;
        most = MIN_OF(most, s->timeout_usec);
        return (uint64_t) ((double) most * ((double) s->random / UINT32_MAX));
}

bool retry_decide(const MsgConnection *m, const RetryState *s, uint64_t *ret_delay_usec) {
        uint64_t end_usec = MIN_OF(s->timeout_usec, m->retry_max_elapsed_usec), delay_usec;

        if (m->retry_strategy == RETRY_NONE || m->retry_strategy >= _RETRY_MAX)
                return false;
        if (s->is_off || !s->is_idempotent || !s->can_replay || s->n_retries >= m->retry_count)
                return false;

        delay_usec = m->retry_strategy == RETRY_EXPONENTIAL ? jittered(m->retry_interval_usec, s) : m->retry_interval_usec;
        if (s->after_usec != RETRY_AFTER_NONE)
                delay_usec = m->retry_strategy == RETRY_AFTER ? s->after_usec : MAX_OF(delay_usec, s->after_usec);

        if (s->elapsed_usec >= end_usec || delay_usec >= end_usec - s->elapsed_usec)
                return false;
        *ret_delay_usec = delay_usec;
        return true;
}

static void fill(RetryBudget *b, uint64_t now_usec) {
        uint64_t n;

        if (!b->begun) {
                *b = (RetryBudget) {.begun = true, .tenths = TENTHS_MAX, .filled_usec = now_usec};
                return;
        }

        n = (now_usec - b->filled_usec) / TENTH_USEC;
        b->filled_usec += n * TENTH_USEC;
        b->tenths = (unsigned) MIN_OF(b->tenths + MIN_OF(n, (uint64_t) TENTHS_MAX), (uint64_t) TENTHS_MAX);
}

void retry_budget_count(RetryBudget *b, uint64_t now_usec) {
        fill(b, now_usec);
        b->tenths = MIN_OF(b->tenths + 10U / RETRY_BUDGET_CALLS, TENTHS_MAX);
}

bool retry_budget_take(RetryBudget *b, uint64_t now_usec) {
        fill(b, now_usec);
        if (b->tenths < 10)
                return false;
        b->tenths -= 10;
        return true;
}
