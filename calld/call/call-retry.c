/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A call that is made again: by [Retry] of its connection after an answer or a failure that permits it, or by libcurl, at once, because a kept
 * connection turned out to be dead
 */

#include <limits.h>
#include <strings.h>
#include <sys/random.h>

#include "calld/call/call-internal.h"

/* A longer body of an answer that is not wanted costs more than a new connection. */
#define DISCARD_MAX (64U * 1024)

static uint64_t retry_after(const Call *c) {
        struct timespec now = {};

        ASSERT(clock_gettime(CLOCK_REALTIME, &now) == 0);
        for (size_t i = 0; i < c->n_headers; i++)
                if (strcasecmp((const char *) c->head.data + c->name_offsets[i], "Retry-After") == 0)
                        return retry_after_parse((const char *) c->head.data + c->value_offsets[i], (uint64_t) now.tv_sec);
        return RETRY_AFTER_NONE;
}

static void call_reset(Call *c) {
        CallReport kept = {.attempts = c->report.attempts + (c->stale ? 0 : 1)};

        c->early_timer = sd_event_source_disable_unref(c->early_timer);
        call_drop_handshake(c);
        kept.n_signatures = c->report.n_signatures;
        kept.n_unanswered = c->report.n_unanswered;
        kept.n_asked = c->report.n_asked;
        kept.sign_usec = c->report.sign_usec;
        kept.keyd_usec = c->report.keyd_usec;
        kept.queue_usec = c->report.queue_usec;
        c->report = kept;
        c->error = (CallError) {.alert_id = -1};
        c->never_again = c->failed = c->checked = c->head_done = c->discarding = false;
        c->is_chunked = c->is_http2 = c->ends_by_close = false;
        c->upload_paused = c->download_paused = c->resume_upload = c->resume_download = false;
        c->n_connections = c->status = c->n_interim = c->n_trailers = 0;
        c->n_headers = 0;
        c->n_sent = 0;
        c->resent = c->resent && c->stale;
        c->stale = false;
        c->content_length = -1;
        c->curl_text[0] = '\0';
        c->sent_offset = 0;
        c->n_lookups = 0;
        c->lookup_usec = 0;
        call_unpin(c);
        buf_clear(&c->head);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Call *c = userdata;
        CurlLoop *curl = c->connection->pool->curl;
        uint64_t elapsed_usec = now_usec() - c->started_usec;

        (void) source;
        (void) usec;
        /* an answer that is not wanted, and still has not ended */
        if (!c->waiting)
                curlloop_remove(curl, c->easy);
        c->waiting = false;
        call_reset(c);
        call_set_timeout(c, c->timeout_usec > elapsed_usec ? c->timeout_usec - elapsed_usec : 1);
        call_set_connect_timeout(c, c->connection->m.connect_timeout_usec);
        if (curlloop_add(curl, c->easy) < 0)
                call_finish(c, CURLE_OUT_OF_MEMORY);
        return 0;
}

static bool start_timer(Call *c, uint64_t delay_usec) {
        c->retry_timer = sd_event_source_disable_unref(c->retry_timer);
        return sd_event_add_time_relative(c->caller->loop, &c->retry_timer, CLOCK_MONOTONIC, delay_usec, USEC_PER_MSEC, on_timer, c) >= 0;
}

/* Return: true when the call will be made again; the timer runs then */
static bool plan(Call *c, uint64_t after_usec) {
        RetryState s = {
                .n_retries = c->n_retries,
                .elapsed_usec = now_usec() - c->started_usec,
                .timeout_usec = c->timeout_usec,
                .after_usec = after_usec,
                .is_idempotent = c->is_idempotent,
                .can_replay = !c->sent_lost,
                .is_off = c->retry_off,
        };
        uint64_t delay_usec;

        ASSERT(getrandom(&s.random, sizeof(s.random), 0) == sizeof(s.random));
        if (!retry_decide(&c->connection->m, &s, &delay_usec) || !retry_budget_take(&c->connection->pool->retries, now_usec()))
                return false;

        if (!start_timer(c, delay_usec))
                return false;
        c->n_retries++;
        return true;
}

bool call_replace_connection(Call *c) {
        /* no more than are kept */
        if (c->n_stale++ >= CURLLOOP_CONNECTIONS_MAX || !start_timer(c, 0))
                return false;
        c->waiting = true;
        return true;
}

bool call_retry_answer(Call *c) {
        if (!retry_status_matches(&c->connection->m, c->status) || !plan(c, retry_after(c)))
                return false;
        c->discarding = true;
        return true;
}

size_t call_discard(Call *c, size_t n_bytes) {
        c->report.bytes_in += n_bytes;
        return c->report.bytes_in <= DISCARD_MAX ? n_bytes : 0;
}

/*
 * A connection that is new and ends without an answer is not among these: it may be how a TLS 1.3 server says that it does not want our
 * certificate (RFC 8446, 4.4.2.4).
 */
static bool failure_permits(const Call *c) {
        if (c->status != 0 || c->never_again)
                return false;
        if (c->error.code == CALL_CONNECT_FAILED || c->error.code == CALL_TIMEOUT)
                return true;
        return c->error.code == CALL_RESPONSE_INVALID && c->report.reused;
}

bool call_retry_failure(Call *c) {
        if (!failure_permits(c) || !plan(c, RETRY_AFTER_NONE))
                return false;
        c->waiting = true;
        return true;
}

void call_fail_kept(Call *c) {
        CallError *e = call_fail(c);

        if (!e)
                return;
        call_error_set(e, CALL_RESPONSE_INVALID, NULL, "the far server closed a kept connection without an answer");
        e->proxy_error = "http_response_incomplete";
}

/*
 * libcurl sends a request again, up to five times and whatever its method, when a kept connection ends before the first byte of an answer. The
 * far server may have acted on it, so that is only for what nothing was sent of, and once for an idempotent method: RFC 9110, 9.2.2, and
 * RFC 9112, 9.3.1.
 */
bool call_may_resend(Call *c) {
        bool is_unsent, may_repeat = c->is_idempotent && !c->retry_off && !c->resent && !c->sent_lost;
        long n_sent = 0;

        if (c->n_connections++ == 0)
                return true;

        /* libcurl counts what it wrote of headers; no body goes before them */
        if (curl_easy_getinfo(c->easy, CURLINFO_REQUEST_SIZE, &n_sent) != CURLE_OK)
                n_sent = LONG_MAX;
        is_unsent = n_sent == c->n_sent && c->report.bytes_out == 0;
        if (is_unsent || may_repeat) {
                c->resent = c->resent || !is_unsent;
                c->n_sent = n_sent;
                c->report.attempts++;
                c->report.bytes_out = 0;
                c->sent_offset = 0;
                return true;
        }

        call_fail_kept(c);
        return false;
}
