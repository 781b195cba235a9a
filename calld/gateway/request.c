/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/request.h"

#include <strings.h>

#include "common/parse.h"

#define CONNECTION_FIELDS_MAX 8U

/* RFC 9110, 7.6.1, and what the next hop is told anew anyway */
static const char *const stopped[] = {
        "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
};

typedef struct Reader {
        Request *request;
        CallError *error;
        bool failed;
        const char *connection_values[CONNECTION_FIELDS_MAX];
        size_t n_connection_values;
        unsigned n_lengths, n_encodings;
} Reader;

static bool value_has_token(const char *value, const char *name) {
        size_t n = strlen(name);

        while (*value) {
                size_t size;

                value += strspn(value, " \t,");
                size = strcspn(value, " \t,");
                if (size == n && strncasecmp(value, name, n) == 0)
                        return true;
                value += size;
        }
        return false;
}

bool request_field_stops(const char *name, const char *const *connection_values, size_t n_values) {
        if (option_is_ours(name) || strncasecmp(name, "Proxy-", 6) == 0)
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(stopped); i++)
                if (strcasecmp(name, stopped[i]) == 0)
                        return true;
        for (size_t i = 0; i < n_values; i++)
                if (value_has_token(connection_values[i], name))
                        return true;
        return false;
}

static void fail(Reader *r, const char *hint, const char *detail) {
        if (!r->failed)
                call_error_set(r->error, CALL_REQUEST_INVALID, hint, "%s", detail);
        r->failed = true;
}

static void fail_framing(Reader *r, const char *hint, const char *detail) {
        fail(r, hint, detail);
        r->request->bad_framing = true;
}

static Span trim(const char *value) {
        Span s = span_from_string(value);

        while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
                s.size--;
        return s;
}

/* RFC 9112, 6.2: one length; libmicrohttpd has refused what is no number */
static void take_length(Reader *r, const char *value) {
        uint64_t size;

        if (r->n_lengths++ > 0 || parse_uint(value, 0, INT64_MAX, &size) < 0) {
                fail_framing(r, NULL, "Content-Length is there twice, or is no number");
                return;
        }
        r->request->has_body = true;
        r->request->body_size = (int64_t) size;
}

/* RFC 9112, 6.1: chunked alone; everything else could be framed otherwise by somebody else */
static void take_encoding(Reader *r, const char *value) {
        if (r->n_encodings++ > 0 || strcasecmp(value, "chunked") != 0) {
                fail_framing(r, "Send the body chunked or with a Content-Length.", "Transfer-Encoding is not just \"chunked\"");
                return;
        }
        r->request->has_body = true;
}

static void take_special(Reader *r, const char *name, const char *value) {
        Request *q = r->request;

        if (strcasecmp(name, "Host") == 0) {
                q->host = trim(value);
                q->n_hosts++;
        } else if (strcasecmp(name, "Content-Length") == 0)
                take_length(r, value);
        else if (strcasecmp(name, "Transfer-Encoding") == 0)
                take_encoding(r, value);
        else if (strcasecmp(name, "Expect") == 0)
                q->expects_continue = strcasecmp(value, "100-continue") == 0;
        else if (strcasecmp(name, "Origin") == 0 || strncasecmp(name, "Sec-Fetch-", 10) == 0)
                q->from_page = true; /* Fetch, 3.1; Fetch Metadata Request Headers, 2 */
        else if (strcasecmp(name, "Connection") == 0) {
                if (r->n_connection_values == CONNECTION_FIELDS_MAX)
                        fail(r, NULL, "too many Connection fields");
                else
                        r->connection_values[r->n_connection_values++] = value;
        } else if (option_is_ours(name) && !r->failed)
                r->failed = option_take(&q->options, name, value, r->error) != 0;
}

static enum MHD_Result on_field(void *userdata, enum MHD_ValueKind kind, const char *name, const char *value) {
        Reader *r = userdata;

        (void) kind;
        if (!value)
                value = "";
        r->request->n_bytes += strlen(name) + strlen(value) + 4;
        /* RFC 9112, 5.1: a blank before the colon may hide from one of two readers what frames the body */
        if (strpbrk(name, " \t"))
                fail_framing(r, "Send header fields as RFC 9110, section 5, describes them.", "a header field has a blank in its name");
        take_special(r, name, value);
        r->request->headers[r->request->n_headers++] = (CallHeader) {.name = name, .value = value};
        return MHD_YES;
}

static void drop_stopped(Reader *r) {
        Request *q = r->request;
        size_t n = 0;

        for (size_t i = 0; i < q->n_headers; i++)
                if (!request_field_stops(q->headers[i].name, r->connection_values, r->n_connection_values))
                        q->headers[n++] = q->headers[i];
        q->n_headers = n;
}

int request_read(struct MHD_Connection *connection, Request *ret, CallError *ret_error) {
        Reader r = {.request = ret, .error = ret_error};
        int n;

        n = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
        ret->headers = calloc((size_t) MAX_OF(n, 0) + 1, sizeof(*ret->headers));
        if (!ret->headers)
                return -ENOMEM;

        MHD_get_connection_values(connection, MHD_HEADER_KIND, on_field, &r);
        drop_stopped(&r);

        if (r.n_encodings > 0) {
                ret->body_size = -1;
                /* RFC 9112, 6.1: both together are how requests are smuggled */
                if (r.n_lengths > 0)
                        fail_framing(&r, "Send one of them.", "both Content-Length and Transfer-Encoding are there");
        }
        return r.failed;
}

void request_done(Request *r) {
        free(r->headers);
        *r = (Request) {};
}
