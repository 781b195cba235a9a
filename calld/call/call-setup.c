/* SPDX-License-Identifier: Apache-2.0 */

#include <strings.h>

#include "calld/call/call-internal.h"

/* libcurl writes these itself, or must not write them at all. */
static const char *const own_headers[] = {
        "Connection", "Content-Length", "Expect", "Host", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
};

/* libcurl adds these by itself unless told not to; a caller's own pass. */
static const char *const curl_defaults[] = {"Accept", "User-Agent", "Content-Type"};

static bool is_own_header(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(own_headers); i++)
                if (strcasecmp(name, own_headers[i]) == 0)
                        return true;
        return false;
}

/* RFC 9110, 5.6.2 */
static bool is_token(const char *s) {
        static const char special[] = "!#$%&'*+-.^_`|~";
        const char *p;

        for (p = s; *p; p++)
                if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') || strchr(special, *p)))
                        return false;
        return p > s;
}

/* RFC 9110, 5.5: CR, LF and NUL are dangerous; the other control characters are invalid too, but for the tab */
static bool is_field_value(const char *s) {
        for (const char *p = s; *p; p++)
                if (((uint8_t) *p < 0x20 && *p != '\t') || *p == 0x7f)
                        return false;
        return true;
}

/* RFC 9112, 3.2: neither blanks nor control characters */
static bool is_target(const char *s) {
        for (const char *p = s; *p; p++)
                if ((uint8_t) *p <= 0x20 || *p == 0x7f)
                        return false;
        return *s == '\0' || *s == '/' || *s == '?';
}

static int add_line(Call *c, const char *line) {
        struct curl_slist *list;

        list = curl_slist_append(c->headers, line);
        if (!list)
                return -ENOMEM;
        c->headers = list;
        return 0;
}

/* "Name: value"; libcurl wants "Name;" where there is no value. */
static int add_header(Call *c, const char *name, Span value) {
        _cleanup_free_ char *line = NULL;
        int n;

        n = value.size == 0 ? asprintf(&line, "%s;", name) : asprintf(&line, "%s: %.*s", name, (int) value.size, (const char *) value.data);
        if (n < 0) {
                line = NULL;
                return -ENOMEM;
        }
        return add_line(c, line);
}

static bool has_header(const CallRequest *request, const MsgConnection *m, const char *name) {
        for (size_t i = 0; i < request->n_headers; i++)
                if (strcasecmp(request->headers[i].name, name) == 0)
                        return true;
        for (size_t i = 0; i < m->header_names.n_items; i++)
                if (span_is_nocase(m->header_names.items[i], name))
                        return true;
        return false;
}

static int add_connection_headers(Call *c) {
        const MsgConnection *m = &c->connection->m;
        int r;

        for (size_t i = 0; i < m->header_names.n_items && i < m->header_values.n_items; i++) {
                _cleanup_free_ char *name = NULL;

                r = span_to_string(m->header_names.items[i], &name);
                if (r < 0)
                        return r;
                if (is_own_header(name))
                        continue;
                r = add_header(c, name, m->header_values.items[i]);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Return: 0, 1 with *ret_error filled, -errno */
static int setup_headers(Call *c, const CallRequest *request, CallError *ret_error) {
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(curl_defaults); i++) {
                char line[32];

                if (has_header(request, &c->connection->m, curl_defaults[i]))
                        continue;
                snprintf(line, sizeof(line), "%s:", curl_defaults[i]);
                r = add_line(c, line);
                if (r < 0)
                        return r;
        }

        r = add_line(c, "Expect:");
        if (r < 0)
                return r;

        for (size_t i = 0; i < request->n_headers; i++) {
                const CallHeader *h = &request->headers[i];

                if (!is_token(h->name) || !is_field_value(h->value)) {
                        call_error_set(ret_error, CALL_REQUEST_INVALID, "Send header fields as RFC 9110, section 5, describes them.",
                                       "a header field has a name or a value that HTTP does not permit");
                        return 1;
                }
                if (is_own_header(h->name))
                        continue;
                r = add_header(c, h->name, span_from_string(h->value));
                if (r < 0)
                        return r;
        }
        return add_connection_headers(c);
}

/* The path goes into the request line as it is: libcurl's URL parser sees host and port alone. */
static int setup_url(Call *c, const CallRequest *request, CallError *ret_error) {
        const MsgConnection *m = &c->connection->m;
        bool is_ipv6 = memchr(m->host.data, ':', m->host.size);
        const char *path = request->path ? request->path : "";
        bool add_slash = m->base_path.size == 0 && path[0] != '/';

        if (!is_target(path)) {
                call_error_set(ret_error, CALL_REQUEST_INVALID, "Percent-encode the path and begin it with \"/\".",
                               "the path holds a blank or a control character, or does not begin with \"/\"");
                return 1;
        }

        if (asprintf(&c->url, "https://%s%.*s%s:%u/", is_ipv6 ? "[" : "", (int) m->host.size, (const char *) m->host.data, is_ipv6 ? "]" : "",
                     m->port) < 0) {
                c->url = NULL;
                return -ENOMEM;
        }
        if (asprintf(&c->target, "%.*s%s%s", (int) m->base_path.size, (const char *) m->base_path.data, add_slash ? "/" : "", path) < 0) {
                c->target = NULL;
                return -ENOMEM;
        }
        return 0;
}

/* Return: 0, 1 with *ret_error filled */
static int setup_method(Call *c, const CallRequest *request, CallError *ret_error) {
        bool is_head = strcmp(request->method, "HEAD") == 0;
        bool has_body = request->has_body && c->ops.read_body && request->body_size != 0;

        if (is_head && has_body) {
                call_error_set(ret_error, CALL_REQUEST_INVALID, "Send HEAD without a body.", "a HEAD request with a body is not passed on");
                return 1;
        }
        if (has_body && request->body_size > 0 && (uint64_t) request->body_size > c->connection->m.max_request_bytes) {
                call_error_set(ret_error, CALL_REQUEST_TOO_LARGE, NULL, "the body has %lld bytes, MaxRequestBytes= permits %llu",
                               (long long) request->body_size, (unsigned long long) c->connection->m.max_request_bytes);
                return 1;
        }

        c->body_size = has_body ? request->body_size : 0;
        c->is_head = is_head;
        if (is_head) {
                curl_easy_setopt(c->easy, CURLOPT_NOBODY, 1L);
                return 0;
        }
        if (has_body) {
                curl_easy_setopt(c->easy, CURLOPT_UPLOAD, 1L);
                curl_easy_setopt(c->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body_size);
                curl_easy_setopt(c->easy, CURLOPT_READFUNCTION, call_on_read);
                curl_easy_setopt(c->easy, CURLOPT_READDATA, c);
                curl_easy_setopt(c->easy, CURLOPT_SEEKFUNCTION, call_on_seek);
                curl_easy_setopt(c->easy, CURLOPT_SEEKDATA, c);
        } else if (request->has_body || strcmp(request->method, "POST") == 0 || strcmp(request->method, "PUT") == 0 ||
                   strcmp(request->method, "PATCH") == 0) {
                /* RFC 9110, 8.6: Content-Length: 0 where the method anticipates content */
                curl_easy_setopt(c->easy, CURLOPT_POST, 1L);
                curl_easy_setopt(c->easy, CURLOPT_POSTFIELDS, "");
                curl_easy_setopt(c->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t) 0);
        } else
                curl_easy_setopt(c->easy, CURLOPT_HTTPGET, 1L);

        curl_easy_setopt(c->easy, CURLOPT_CUSTOMREQUEST, request->method);
        return 0;
}

static long to_ms(uint64_t usec) {
        uint64_t ms = usec / USEC_PER_MSEC + (usec % USEC_PER_MSEC != 0);

        return ms == 0 ? 1L : (long) MIN_OF(ms, (uint64_t) INT32_MAX);
}

void call_set_timeout(Call *c, uint64_t timeout_usec) {
        curl_easy_setopt(c->easy, CURLOPT_TIMEOUT_MS, to_ms(timeout_usec));
}

void call_set_connect_timeout(Call *c, uint64_t timeout_usec) {
        curl_easy_setopt(c->easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(timeout_usec));
}

static void setup_transport(Call *c) {
        const MsgConnection *m = &c->connection->m;
        const MsgProfile *p = &c->connection->profile->m;
        CURL *e = c->easy;

        curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
        curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 64L * 1024);
        call_set_connect_timeout(c, m->connect_timeout_usec);
        call_set_timeout(c, c->timeout_usec);
        curl_easy_setopt(e, CURLOPT_HTTP_VERSION, m->http2 ? (long) CURL_HTTP_VERSION_2TLS : (long) CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(e, CURLOPT_SSLVERSION, p->minimum_tls >= TLS_VERSION_1_3 ? (long) CURL_SSLVERSION_TLSv1_3 : (long) CURL_SSLVERSION_TLSv1_2);
        curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, m->session_resumption && !c->connection->pool->distrust_sessions ? 1L : 0L);

        /* The store comes in the SSL_CTX callback; the verification there checks names and pins too, AllowedNames= included. */
        curl_easy_setopt(e, CURLOPT_CAINFO, NULL);
        curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L);
        curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, p->allowed_names.n_items > 0 ? 0L : 2L);

        curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, call_on_ssl_ctx);
        curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, c);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, call_on_open_socket);
        curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, c);
        curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, CALL_PINNED_SEC);
        curl_easy_setopt(e, CURLOPT_RESOLVER_START_FUNCTION, call_on_resolve);
        curl_easy_setopt(e, CURLOPT_RESOLVER_START_DATA, c);
#if LIBCURL_VERSION_NUM >= 0x075000
        curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, call_on_prereq);
        curl_easy_setopt(e, CURLOPT_PREREQDATA, c);
#else
        /* there libcurl cannot be kept from sending a request again when a kept connection ends without an answer */
        if (!c->is_idempotent || c->retry_off)
                curl_easy_setopt(e, CURLOPT_FRESH_CONNECT, 1L);
#endif
}

/* Neither a kept connection nor a TLS session, and nothing is kept. */
static void setup_fresh(Call *c) {
        curl_easy_setopt(c->easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(c->easy, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(c->easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
}

static void setup_http(Call *c) {
        CURL *e = c->easy;

#if LIBCURL_VERSION_NUM >= 0x075500
        curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https");
#else
        curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long) CURLPROTO_HTTPS);
#endif
        curl_easy_setopt(e, CURLOPT_URL, c->url);
        curl_easy_setopt(e, CURLOPT_REQUEST_TARGET, c->target);
        curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
        curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
        curl_easy_setopt(e, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
        curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L);
        curl_easy_setopt(e, CURLOPT_HTTPHEADER, c->headers);
        curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, call_on_header);
        curl_easy_setopt(e, CURLOPT_HEADERDATA, c);
        curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, call_on_write);
        curl_easy_setopt(e, CURLOPT_WRITEDATA, c);
        curl_easy_setopt(e, CURLOPT_ERRORBUFFER, c->curl_text);
        curl_easy_setopt(e, CURLOPT_PRIVATE, c);
}

int call_setup(Call *c, const CallRequest *request, CallError *ret_error) {
        int r;

        c->timeout_usec = request->timeout_usec;
        r = setup_url(c, request, ret_error);
        if (r != 0)
                return r;

        r = setup_headers(c, request, ret_error);
        if (r != 0)
                return r;

        r = call_setup_proxy(c, ret_error);
        if (r != 0)
                return r;

        setup_transport(c);
        if (request->fresh)
                setup_fresh(c);
        setup_http(c);
        return setup_method(c, request, ret_error);
}
