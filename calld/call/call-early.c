/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An answer over HTTP/2 that is whole although the request is not
 *
 * RFC 9113, 8.1: a server may answer without having read the body. When it then gives no room for more of it, libcurl would wait for that until
 * the call's time is over. One that goes on reading is given all of the body.
 */

#include "calld/call/call-internal.h"

#define EARLY_USEC (500U * USEC_PER_MSEC)

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Call *c = userdata;

        (void) usec;
        if (c->dead || c->waiting || !c->easy)
                return 0;

        if (c->upload_paused || c->report.bytes_out != c->early_bytes_out) {
                c->early_bytes_out = c->report.bytes_out;
                sd_event_source_set_time_relative(source, EARLY_USEC);
                sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
                return 0;
        }

        curlloop_remove(c->connection->pool->curl, c->easy);
        call_finish(c, CURLE_OK);
        return 0;
}

void call_watch_upload(Call *c) {
        bool is_whole = c->status == 204 || c->status == 304 || (c->content_length >= 0 && c->report.bytes_in == (uint64_t) c->content_length);

        if (!c->is_http2 || c->body_size == 0 || !is_whole || c->early_timer)
                return;

        c->early_bytes_out = c->report.bytes_out;
        if (sd_event_add_time_relative(c->caller->loop, &c->early_timer, CLOCK_MONOTONIC, EARLY_USEC, USEC_PER_MSEC, on_timer, c) < 0)
                c->early_timer = NULL;
}
