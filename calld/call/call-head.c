/* SPDX-License-Identifier: Apache-2.0 */

/* The head of the far server's answer, line by line as libcurl gives it */

#include <strings.h>

#include "calld/call/call-internal.h"
#include "common/parse.h"

/* RFC 9110, 7.6.1, and 11.7 for what a proxy asks */
static const char *const hop_by_hop[] = {
        "Connection",        "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade",
};

static const char *head_text(const Call *c, size_t offset) {
        return (const char *) c->head.data + offset;
}

static void fail_head(Call *c, const char *what) {
        CallError *e = call_fail(c);

        if (e)
                call_error_set(e, CALL_RESPONSE_INVALID, NULL, "the far server's answer is malformed: %s", what);
}

static bool has_prefix(Span s, const char *prefix) {
        return s.size >= strlen(prefix) && memcmp(s.data, prefix, strlen(prefix)) == 0;
}

/* "HTTP/1.1 200 OK"; "HTTP/2 200 " is how libcurl writes what HTTP/2 has instead. Return: what is wrong, or NULL */
static const char *take_status_line(Call *c, Span line) {
        bool is_version = c->is_http2 ? has_prefix(line, "HTTP/2 ") : has_prefix(line, "HTTP/1.1 ") || has_prefix(line, "HTTP/1.0 ");
        size_t at = c->is_http2 ? strlen("HTTP/2 ") : strlen("HTTP/1.1 ");
        char digits[4] = {};
        uint64_t status;

        if (!is_version || line.size < at + 3 || (line.size > at + 3 && line.data[at + 3] != ' '))
                return "its status line";

        memcpy(digits, line.data + at, 3);
        if (parse_uint(digits, 100, 599, &status) < 0)
                return "its status line";

        /* RFC 9110, 15.2: any number of interim answers is permitted; RFC 9110, 7.8: nothing was asked for that 101 would grant */
        if (c->status != 0 && ++c->n_interim > CALL_INTERIM_MAX)
                return "too many interim answers";
        if (status == 101)
                return "it switches protocols, unasked";

        buf_clear(&c->head);
        c->n_headers = 0;
        c->content_length = -1;
        c->is_chunked = false;
        c->status = (unsigned) status;
        return NULL;
}

static Span trim(Span s) {
        while (s.size > 0 && (s.data[0] == ' ' || s.data[0] == '\t')) {
                s.data++;
                s.size--;
        }
        while (s.size > 0 && (s.data[s.size - 1] == ' ' || s.data[s.size - 1] == '\t'))
                s.size--;
        return s;
}

static int keep_text(Call *c, Span text, size_t *ret_offset) {
        size_t offset = c->head.size;
        int r;

        r = buf_append(&c->head, text.data, text.size);
        if (r == 0)
                r = buf_append(&c->head, "", 1);
        if (r == 0)
                *ret_offset = offset;
        return r;
}

static bool has_control_character(Span s) {
        for (size_t i = 0; i < s.size; i++)
                if ((s.data[i] < 0x20 && s.data[i] != '\t') || s.data[i] == 0x7f)
                        return true;
        return false;
}

/* RFC 9112, 6.3: lengths that differ or are none, both ways at once, and codings besides "chunked", which nobody would undo */
static const char *take_framing(Call *c, Span name, const char *value) {
        uint64_t length;

        if (span_is_nocase(name, "Content-Length")) {
                if (parse_uint(value, 0, INT64_MAX, &length) < 0 || (c->content_length >= 0 && (uint64_t) c->content_length != length))
                        return "its Content-Length is no number, or there are two";
                c->content_length = (int64_t) length;
        } else if (span_is_nocase(name, "Transfer-Encoding")) {
                if (strcasecmp(value, "chunked") != 0 || c->is_chunked)
                        return "its Transfer-Encoding is not just \"chunked\"";
                c->is_chunked = true;
        }
        return c->is_chunked && c->content_length >= 0 ? "both Content-Length and Transfer-Encoding are there" : NULL;
}

static const char *take_field(Call *c, Span line) {
        const uint8_t *colon = memchr(line.data, ':', line.size);
        Span name, value;
        const char *wrong;

        /* RFC 9112, 5.2: a proxy that receives obs-fold may discard the message */
        if (line.data[0] == ' ' || line.data[0] == '\t')
                return "a header field is folded over lines";
        if (!colon || colon == line.data)
                return "a header line is no field";

        name = span_make(line.data, (size_t) (colon - line.data));
        value = trim(span_make(colon + 1, line.size - name.size - 1));
        /* RFC 9112, 5.1: no whitespace between name and colon */
        if (has_control_character(line) || memchr(name.data, ' ', name.size))
                return "a header field holds a control character, or a blank in its name";
        if (c->n_headers == CALL_HEADERS_MAX)
                return "too many header fields";

        if (keep_text(c, name, &c->name_offsets[c->n_headers]) < 0 || keep_text(c, value, &c->value_offsets[c->n_headers]) < 0)
                return "its head is too large";
        wrong = take_framing(c, name, head_text(c, c->value_offsets[c->n_headers]));
        c->n_headers++;
        return wrong;
}

/* True when a Connection field of the answer names @name (RFC 9110, 7.6.1). */
static bool named_by_connection(const Call *c, const char *name) {
        size_t n = strlen(name);

        for (size_t i = 0; i < c->n_headers; i++) {
                const char *p = head_text(c, c->value_offsets[i]);

                if (strcasecmp(head_text(c, c->name_offsets[i]), "Connection") != 0)
                        continue;
                while (*p) {
                        p += strspn(p, ", \t");
                        if (strcspn(p, ", \t") == n && n > 0 && strncasecmp(p, name, n) == 0)
                                return true;
                        p += strcspn(p, ", \t");
                }
        }
        return false;
}

static bool is_hop_by_hop(const Call *c, const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(hop_by_hop); i++)
                if (strcasecmp(name, hop_by_hop[i]) == 0)
                        return true;

        /* what frames the body is ours to say, whatever the far server claims */
        return strcasecmp(name, "Content-Length") != 0 && named_by_connection(c, name);
}

static void give_head(Call *c) {
        _cleanup_free_ CallHeader *headers = NULL;
        size_t n = 0;

        headers = calloc(c->n_headers + 1, sizeof(*headers));
        if (!headers) {
                fail_head(c, "its head is too large");
                return;
        }

        for (size_t i = 0; i < c->n_headers; i++) {
                const char *name = head_text(c, c->name_offsets[i]);

                if (!is_hop_by_hop(c, name))
                        headers[n++] = (CallHeader) {.name = name, .value = head_text(c, c->value_offsets[i])};
        }
        c->ops.on_head(c->userdata, c->status, headers, n, c->content_length);
}

/* The empty line. An interim answer (RFC 9110, 15.2) is followed by another one. */
static void end_head(Call *c) {
        CallError *e;

        if (c->status < 200)
                return;
        if (!c->checked && !call_on_connected(c))
                return;
        if (call_retry_answer(c)) {
                c->head_done = true;
                return;
        }

        if (!c->is_head && c->content_length >= 0 && (uint64_t) c->content_length > c->connection->m.max_response_bytes) {
                e = call_fail(c);
                if (e)
                        call_error_set(e, CALL_RESPONSE_TOO_LARGE, NULL, "the answer has %lld bytes, MaxResponseBytes= permits %llu",
                                       (long long) c->content_length, (unsigned long long) c->connection->m.max_response_bytes);
                return;
        }

        c->head_done = true;
        /* RFC 9112, 6.3 */
        c->ends_by_close = !c->is_http2 && !c->is_head && c->status != 204 && c->status != 304 && !c->is_chunked && c->content_length < 0;
        give_head(c);
        if (!c->dead)
                call_watch_upload(c);
}

static void take_line(Call *c, Span line) {
        const char *wrong = NULL;

        if (line.size == 0)
                end_head(c);
        else if (has_prefix(line, "HTTP/"))
                wrong = take_status_line(c, line);
        else
                wrong = take_field(c, line);

        if (wrong)
                fail_head(c, wrong);
}

size_t call_on_header(char *data, size_t size, size_t n, void *userdata) {
        Span line = span_make(data, size * n);
        Call *c = userdata;

        if (c->dead || c->failed)
                return 0;
        if (c->head_done) {
                if (++c->n_trailers > CALL_TRAILERS_MAX)
                        fail_head(c, "too many trailer fields");
                return c->failed ? 0 : size * n;
        }

        while (line.size > 0 && (line.data[line.size - 1] == '\n' || line.data[line.size - 1] == '\r'))
                line.size--;
        take_line(c, line);
        return c->dead || c->failed ? 0 : size * n;
}
