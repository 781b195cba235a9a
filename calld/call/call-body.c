/* SPDX-License-Identifier: Apache-2.0 */

/* Both bodies: libcurl pauses when the other side is not ready, so that neither is ever held whole */

#include "calld/call/call-internal.h"

static void fail_body(Call *c, CallCode code, const char *hint, const char *detail) {
        CallError *e = call_fail(c);

        if (e)
                call_error_set(e, code, hint, "%s", detail);
}

size_t call_on_write(char *data, size_t size, size_t n, void *userdata) {
        size_t n_bytes = size * n;
        Call *c = userdata;
        CallError *e;

        if (c->dead || c->failed)
                return 0;
        if (n_bytes == 0)
                return 0;
        if (c->discarding)
                return call_discard(c, n_bytes);

        if (n_bytes > c->connection->m.max_response_bytes - MIN_OF(c->report.bytes_in, c->connection->m.max_response_bytes)) {
                e = call_fail(c);
                call_error_set(e, CALL_RESPONSE_TOO_LARGE, NULL, "the answer has more than %llu bytes, which MaxResponseBytes= permits",
                               (unsigned long long) c->connection->m.max_response_bytes);
                return 0;
        }

        if (!c->ops.on_body(c->userdata, (const uint8_t *) data, n_bytes)) {
                if (c->dead)
                        return 0;
                c->download_paused = true;
                return CURL_WRITEFUNC_PAUSE;
        }

        c->report.bytes_in += n_bytes;
        if (!c->dead)
                call_watch_upload(c);
        return c->dead ? 0 : n_bytes;
}

static size_t take_data(Call *c, size_t n_bytes) {
        CallError *e;

        c->report.bytes_out += n_bytes;
        if (c->body_size >= 0 && c->report.bytes_out > (uint64_t) c->body_size) {
                fail_body(c, CALL_REQUEST_INVALID, NULL, "the body is longer than its Content-Length");
                return CURL_READFUNC_ABORT;
        }
        if (c->report.bytes_out > c->connection->m.max_request_bytes) {
                e = call_fail(c);
                if (e)
                        call_error_set(e, CALL_REQUEST_TOO_LARGE, NULL, "the body has more than %llu bytes, which MaxRequestBytes= permits",
                                       (unsigned long long) c->connection->m.max_request_bytes);
                return CURL_READFUNC_ABORT;
        }
        return n_bytes;
}

/* For another attempt. A body that is too long for that, or whose method does not permit one, is not kept. */
static void keep_data(Call *c, const char *data, size_t n_bytes) {
        if (c->sent_lost)
                return;

        if (!c->is_idempotent || c->retry_off || n_bytes > c->sent.max - c->sent.size || buf_append(&c->sent, data, n_bytes) < 0) {
                c->sent_lost = true;
                buf_done(&c->sent);
        }
        c->sent_offset = c->sent.size;
}

static size_t give_again(Call *c, char *buffer, size_t size) {
        size_t n_bytes = MIN_OF(size, c->sent.size - c->sent_offset);

        memcpy(buffer, c->sent.data + c->sent_offset, n_bytes);
        c->sent_offset += n_bytes;
        return take_data(c, n_bytes);
}

/* Back to the beginning; nowhere else. */
int call_on_seek(void *userdata, curl_off_t offset, int origin) {
        Call *c = userdata;

        if (offset != 0 || origin != SEEK_SET || c->sent_lost) {
                call_fail_kept(c);
                return CURL_SEEKFUNC_FAIL;
        }
        c->sent_offset = 0;
        c->report.bytes_out = 0;
        return CURL_SEEKFUNC_OK;
}

size_t call_on_read(char *buffer, size_t size, size_t n, void *userdata) {
        CallBodyState state;
        size_t n_bytes = 0;
        Call *c = userdata;

        if (c->dead || c->failed)
                return CURL_READFUNC_ABORT;
        if (c->sent_offset < c->sent.size)
                return give_again(c, buffer, size * n);

        state = c->ops.read_body(c->userdata, (uint8_t *) buffer, size * n, &n_bytes);
        if (c->dead)
                return CURL_READFUNC_ABORT;

        switch (state) {
        case CALL_BODY_DATA:
                keep_data(c, buffer, n_bytes);
                return take_data(c, n_bytes);

        case CALL_BODY_WAIT:
                c->upload_paused = true;
                return CURL_READFUNC_PAUSE;

        case CALL_BODY_END:
                if (c->body_size < 0 || c->report.bytes_out == (uint64_t) c->body_size)
                        return 0;
                fail_body(c, CALL_REQUEST_INVALID, NULL, "the body is shorter than its Content-Length");
                return CURL_READFUNC_ABORT;

        case CALL_BODY_ABORT:
        default:
                fail_body(c, CALL_REQUEST_INVALID, "Nothing is to be done here: the caller closed its connection.",
                          "the caller went away before the whole body was there");
                return CURL_READFUNC_ABORT;
        }
}
