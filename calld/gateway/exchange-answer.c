/* SPDX-License-Identifier: Apache-2.0 */

/* The answer as libmicrohttpd gets it: a text of ours, or the far server's head with the body as it comes */

#include <strings.h>

#include "calld/gateway/exchange.h"
#include "calld/gateway/problem.h"

#define BLOCK_SIZE (64U * 1024)
#define PIECE_MAX (64U * 1024)
#define RETRY_AFTER_SEC "1"

void exchange_add_header(struct MHD_Response *response, const char *name, const char *value) {
        _cleanup_free_ char *copy = NULL;

        /* libmicrohttpd takes neither an empty value nor a tab; for HTTP a blank is the same: RFC 9110, 5.5 and 5.6.3 */
        if (value[0] == '\0')
                value = " ";
        else if (strchr(value, '\t')) {
                copy = strdup(value);
                for (char *p = copy; p && *p; p++)
                        if (*p == '\t')
                                *p = ' ';
                value = copy ? copy : " ";
        }
        ignore_result(MHD_add_response_header(response, name, value), "an answer without that field is still an answer");
}

void exchange_set_response(Exchange *e, unsigned status, struct MHD_Response *response) {
        if (!response) {
                e->aborted = true;
                exchange_wake(e);
                return;
        }

        exchange_add_header(response, "Midtls-Call-Id", e->call_id);
        if (e->response)
                MHD_destroy_response(e->response);
        e->response = response;
        e->status = status;
        exchange_wake(e);
}

static struct MHD_Response *text_response(Span text, const char *type) {
        struct MHD_Response *response;

        response = MHD_create_response_from_buffer(text.size, (void *) (uintptr_t) text.data, MHD_RESPMEM_MUST_COPY);
        if (response)
                exchange_add_header(response, "Content-Type", type);
        return response;
}

void exchange_answer_text(Exchange *e, unsigned status, const char *type, Span text) {
        exchange_set_response(e, status, text_response(text, type));
}

void exchange_answer_error(Exchange *e) {
        _cleanup_free_ char *json = NULL;
        struct MHD_Response *response = NULL;
        char proxy_status[768];

        /* what is out is out: the stream ends with an error */
        if (e->queued)
                return;

        json = call_error_json(&e->error, e->call_id);
        if (json)
                response = text_response(span_from_string(json), "application/problem+json");
        if (response) {
                call_error_proxy_status(&e->error, proxy_status, sizeof(proxy_status));
                exchange_add_header(response, "Proxy-Status", proxy_status);
                if (e->error.code == CALL_OVERLOADED)
                        exchange_add_header(response, "Retry-After", RETRY_AFTER_SEC);
        }
        exchange_set_response(e, call_error_status(&e->error), response);
}

/* Gives what the call has brought; while there is nothing, libmicrohttpd waits. */
static ssize_t on_read_answer(void *userdata, uint64_t position, char *buffer, size_t size) {
        Exchange *e = userdata;
        size_t n = MIN_OF(size, e->download.size);

        (void) position;
        if (e->aborted)
                return MHD_CONTENT_READER_END_WITH_ERROR;
        if (n == 0 && e->download_end)
                return e->error.code == CALL_OK ? MHD_CONTENT_READER_END_OF_STREAM : MHD_CONTENT_READER_END_WITH_ERROR;
        if (n == 0) {
                exchange_suspend(e);
                return 0;
        }

        client_set_wait(e->client, CLIENT_WAIT_BODY);
        memcpy(buffer, e->download.data, n);
        buf_consume(&e->download, n);
        if (e->call && e->download_full && e->download.size <= e->download.max / 2) {
                e->download_full = false;
                call_resume_download(e->call);
        }
        return (ssize_t) n;
}

/* What frames the body is libmicrohttpd's to say; what tells an answer of ours from a far server's is ours. */
static bool is_ours(const char *name) {
        return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Proxy-Status") == 0 || option_is_ours(name);
}

void exchange_add_far_headers(struct MHD_Response *response, const CallHeader *headers, size_t n_headers) {
        for (size_t i = 0; i < n_headers; i++)
                if (!is_ours(headers[i].name))
                        exchange_add_header(response, headers[i].name, headers[i].value);
}

static const char *put_text(char **end, const char *text) {
        size_t size = strlen(text) + 1;
        char *copy = memcpy(*end, text, size);

        *end += size;
        return copy;
}

AnswerHead *answer_head_new(unsigned status, const CallHeader *headers, size_t n_headers, int64_t content_length) {
        size_t size = sizeof(AnswerHead) + n_headers * sizeof(CallHeader);
        AnswerHead *h;
        char *text;

        for (size_t i = 0; i < n_headers; i++)
                size += strlen(headers[i].name) + strlen(headers[i].value) + 2;
        h = malloc(size);
        if (!h)
                return NULL;

        *h = (AnswerHead) {.status = status, .content_length = content_length, .n_headers = n_headers};
        text = (char *) &h->headers[n_headers];
        for (size_t i = 0; i < n_headers; i++) {
                h->headers[i].name = put_text(&text, headers[i].name);
                h->headers[i].value = put_text(&text, headers[i].value);
        }
        return h;
}

/* Small enough for the caller's socket to take it at once. */
static bool is_whole(const Exchange *e) {
        return e->download_end && e->download.size <= PIECE_MAX && e->error.code == CALL_OK && strcmp(e->method, "HEAD") != 0 &&
               e->head->content_length == (int64_t) e->download.size;
}

void exchange_answer_far(Exchange *e) {
        const AnswerHead *h = e->head;
        bool no_body = h->status == 204 || h->status == 304;
        uint64_t size = no_body ? 0 : h->content_length >= 0 ? (uint64_t) h->content_length : MHD_SIZE_UNKNOWN;
        struct MHD_Response *response;

        e->in_one_piece = !no_body && is_whole(e);
        if (e->in_one_piece)
                response = MHD_create_response_from_buffer(e->download.size, e->download.data, MHD_RESPMEM_PERSISTENT);
        else
                response = MHD_create_response_from_callback(size, BLOCK_SIZE, on_read_answer, e, NULL);
        if (response)
                exchange_add_far_headers(response, h->headers, h->n_headers);
        exchange_set_response(e, h->status, response);
}
