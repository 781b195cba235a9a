/* SPDX-License-Identifier: Apache-2.0 */

/* The request's body: from libmicrohttpd into a small buffer, from there to the call */

#include "calld/gateway/exchange.h"

enum MHD_Result exchange_take_body(Exchange *e, const char *data, size_t *size) {
        size_t n;

        buf_consume(&e->upload, e->upload_offset);
        e->upload_offset = 0;
        n = MIN_OF(*size, e->upload.max - e->upload.size);

        if (e->is_soap && n < *size) {
                call_error_set(&e->error, CALL_REQUEST_TOO_LARGE, NULL, "the body has more than %zu bytes, which is the most for SOAP here",
                               e->upload.max);
                e->upload_open = false;
                exchange_answer_error(e);
                *size = 0;
                return MHD_YES;
        }
        if (buf_append(&e->upload, data, n) < 0)
                return MHD_NO;

        *size -= n;
        if (e->call && e->upload_wanted) {
                e->upload_wanted = false;
                call_resume_upload(e->call);
        }
        if (*size > 0)
                exchange_suspend(e);
        return MHD_YES;
}

CallBodyState exchange_read_body(void *userdata, uint8_t *buffer, size_t size, size_t *ret_size) {
        Exchange *e = userdata;
        size_t left = e->upload.size - e->upload_offset, n = MIN_OF(size, left);

        if (e->aborted)
                return CALL_BODY_ABORT;
        if (n == 0 && e->finished)
                return CALL_BODY_END;
        if (n == 0) {
                e->upload_wanted = true;
                return CALL_BODY_WAIT;
        }

        memcpy(buffer, e->upload.data + e->upload_offset, n);
        e->upload_offset += n;
        *ret_size = n;
        /* what libmicrohttpd holds back fits again; while it is the answer that is waited for, it is left alone */
        if (!e->finished && left - n <= e->upload.max / 2)
                exchange_wake(e);
        return CALL_BODY_DATA;
}
