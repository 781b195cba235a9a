/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/session.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "keyd/fetcher/answer.h"
#include "keyd/fetcher/trust.h"

#define ADDRESSES_MAX 8U
#define CONNECT_MSEC 5000L

#define HINT_NETWORK "see whether it is up and %s in %s is right, and whether midtls-keyd may use the network: midtls.conf(5)"

void session_done(Session *s) {
        curl_easy_cleanup(s->curl);
        curl_slist_free_all(s->addresses);
        fetch_open_done(&s->open);
        buf_done(&s->ca);
        secret_free(s->token);
        *s = (Session) {};
}

void session_reply_done(SessionReply *r) {
        r->body = secret_free(r->body);
}

/* failures */

static void hint_network(const Session *s, FetchAnswer *ret) {
        snprintf(ret->hint, sizeof(ret->hint), HINT_NETWORK, s->words->address, s->words->section);
}

static void _printf_(2, 3) hint(FetchAnswer *ret, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        vsnprintf(ret->hint, sizeof(ret->hint), format, ap);
        va_end(ap);
}

/* the store's name */

static void free_textp(char **s) {
        curl_free(*s);
}

static void free_urlp(CURLU **u) {
        curl_url_cleanup(*u);
}

static void free_addressesp(struct addrinfo **a) {
        if (*a)
                freeaddrinfo(*a);
}

/* RFC 3986, 3.2.2: an IPv6 address stands in brackets. */
static int add_address(Buf *line, const struct addrinfo *a, bool first) {
        char text[INET6_ADDRSTRLEN];
        const void *address = a->ai_family == AF_INET6 ? (const void *) &((const struct sockaddr_in6 *) (const void *) a->ai_addr)->sin6_addr
                                                       : (const void *) &((const struct sockaddr_in *) (const void *) a->ai_addr)->sin_addr;

        if (!inet_ntop(a->ai_family, address, text, sizeof(text)))
                return -errno;
        return buf_printf(line, a->ai_family == AF_INET6 ? "%s[%s]" : "%s%s", first ? "" : ",", text);
}

/* The line "host:port:address,address" that spares libcurl the look-up. */
static int pin_addresses(Session *s, const char *host, const char *port, const struct addrinfo *list) {
        _cleanup_(buf_done) Buf line = BUF_INIT(SESSION_URL_MAX);
        size_t n = 0;
        int r;

        r = buf_printf(&line, "%s:%s:", host, port);
        for (const struct addrinfo *a = list; r >= 0 && a && n < ADDRESSES_MAX; a = a->ai_next)
                if (a->ai_family == AF_INET || a->ai_family == AF_INET6)
                        r = add_address(&line, a, n++ == 0);
        if (r >= 0)
                r = buf_append(&line, "", 1);
        if (r < 0)
                return r;

        s->addresses = curl_slist_append(NULL, (const char *) line.data);
        return s->addresses ? 0 : -ENOMEM;
}

static int look_up(Session *s, const char *host, const char *port, FetchAnswer *ret_answer) {
        _cleanup_(free_addressesp) struct addrinfo *list = NULL;
        const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
        int k;

        /* An address in brackets is no name. */
        if (host[0] == '[')
                return 0;
        k = getaddrinfo(host, port, &hints, &list);
        if (k != 0) {
                fetch_fail(ret_answer, FETCH_RETRY_ALL, "", "%s: the address of the host %.200s cannot be found: %s", s->words->name, host,
                           k == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(k));
                hint_network(s, ret_answer);
                return 0;
        }

        return pin_addresses(s, host, port, list);
}

static int find_host(Session *s, FetchAnswer *ret_answer) {
        _cleanup_(free_urlp) CURLU *u = curl_url();
        _cleanup_(free_textp) char *host = NULL, *port = NULL;

        if (!u)
                return -ENOMEM;
        if (curl_url_set(u, CURLUPART_URL, s->open.endpoint, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
            curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK) {
                fetch_fail(ret_answer, FETCH_CONFIGURATION, s->words->example, "%s in %s is no URL", s->words->address, s->words->section);
                return 0;
        }

        return look_up(s, host, port, ret_answer);
}

/* the handle */

static size_t on_body(char *data, size_t size, size_t n, void *userdata) {
        Secret *body = userdata;
        size_t used = secret_size(body);

        if (size != 1 || n > secret_capacity(body) - used)
                return 0;

        if (n > 0)
                memcpy(secret_writable(body) + used, data, n);
        secret_set_size(body, used + n);
        return n;
}

static CURLcode set_tls(Session *s) {
        CURLcode k = trust_set(s->curl, &s->ca);

        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYPEER, 1L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYHOST, 2L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
        return k;
}

static CURLcode set_certificate(Session *s) {
        struct curl_blob chain = {.data = s->open.chain, .len = strlen(s->open.chain), .flags = CURL_BLOB_NOCOPY};
        struct curl_blob key = {.data = secret_writable(s->open.key), .len = secret_size(s->open.key), .flags = CURL_BLOB_NOCOPY};
        CURLcode k = CURLE_OK;

        if (secret_size(s->open.key) == 0)
                return k;
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLCERTTYPE, "PEM");
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLCERT_BLOB, &chain);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLKEYTYPE, "DER");
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLKEY_BLOB, &key);
        return k;
}

static CURLcode set_http(Session *s) {
        CURLcode k = CURLE_OK;

#if LIBCURL_VERSION_NUM >= 0x075500
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS_STR, "https");
#else
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_PROTOCOLS, (long) CURLPROTO_HTTPS);
#endif
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_FOLLOWLOCATION, 0L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_PROXY, "");
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_RESOLVE, s->addresses);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_DNS_CACHE_TIMEOUT, -1L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_USERAGENT, "midtls/" MIDTLS_VERSION);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t) SESSION_BODY_MAX);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, on_body);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, s->error);
        return k;
}

int session_open(Session *s, FetchAnswer *ret_answer) {
        int r;

        *ret_answer = (FetchAnswer) {};
        r = find_host(s, ret_answer);
        if (r < 0 || ret_answer->class != FETCH_OK)
                return r;

        s->curl = curl_easy_init();
        if (!s->curl)
                return -ENOMEM;

        return set_tls(s) == CURLE_OK && set_certificate(s) == CURLE_OK && set_http(s) == CURLE_OK ? 0 : -ENOMEM;
}

/* a request */

void session_refuse(Session *s, const SessionReply *reply, FetchAnswer *ret) {
        ret->retry_after_sec = reply->retry_after_sec;
        s->is_refused = true;
        s->refusal = *ret;
}

int session_put_escaped(Session *s, Buf *url, const char *text, bool keep_slashes) {
        int r = 0;

        while (r >= 0 && *text) {
                size_t size = keep_slashes ? strcspn(text, "/") : strlen(text);
                _cleanup_(free_textp) char *escaped = size > 0 ? curl_easy_escape(s->curl, text, (int) size) : NULL;

                if (size > 0 && !escaped)
                        return -ENOMEM;
                r = buf_printf(url, "%s%s", escaped ? escaped : "", text[size] ? "/" : "");
                text += size + (text[size] != 0);
        }
        return r;
}

int session_add_header(struct curl_slist **list, const char *name, const void *value, size_t size) {
        _cleanup_(secret_freep) Secret *line = NULL;
        size_t n = strlen(name) + 2;
        struct curl_slist *longer;
        int r;

        r = secret_new(n + size, &line);
        if (r < 0)
                return r;
        memcpy(secret_writable(line), name, n - 2);
        memcpy(secret_writable(line) + n - 2, ": ", 2);
        if (size > 0)
                memcpy(secret_writable(line) + n, value, size);
        secret_set_size(line, n + size);

        longer = curl_slist_append(*list, (const char *) secret_data(line));
        if (!longer)
                return -ENOMEM;
        *list = longer;
        return 0;
}

/* The same words for the same failure, without times and counts: what is new is recorded, what is not is not. */
static void explain(const Session *s, CURLcode code, FetchAnswer *ret) {
        const char *text = s->error[0] ? s->error : curl_easy_strerror(code), *name = s->words->name, *section = s->words->section;
        /* TLS 1.3 tells it at the first read, so it comes as any error. */
        bool is_alert = strstr(text, "alert");

        switch (code == CURLE_RECV_ERROR && !is_alert ? CURLE_SEND_ERROR : code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
                fetch_fail(ret, FETCH_ALERT, "", "%s: the server's certificate is not accepted: %.300s", name, text);
                hint(ret, "set CAFile= in %s to the CA of its certificate; if it is right already, somebody stands between", section);
                return;
        case CURLE_SSL_CERTPROBLEM:
                fetch_fail(ret, FETCH_CONFIGURATION, "", "%s: the client certificate cannot be used: %.300s", name, text);
                hint(ret, "see CertFile= and KeyFile= in %s", section);
                return;
        case CURLE_WRITE_ERROR:
        case CURLE_FILESIZE_EXCEEDED:
                fetch_fail(ret, FETCH_CONFIGURATION, "", "%s answered with more than 1 MiB", name);
                hint(ret, "see whether %s in %s is the right address: %s", s->words->address, section, s->words->example);
                return;
        case CURLE_OPERATION_TIMEDOUT:
                fetch_fail(ret, FETCH_RETRY_ALL, "", "%s did not answer in time", name);
                hint_network(s, ret);
                return;
        case CURLE_SEND_ERROR:
        case CURLE_GOT_NOTHING:
                fetch_fail(ret, FETCH_RETRY_ALL, "", "%s ends the connection without an answer", name);
                hint(ret, "see whether it accepts the certificate of CertFile= in %s; it is tried again by itself", section);
                return;
        default:
                break;
        }

        if (is_alert) {
                fetch_fail(ret, FETCH_ALERT, "", "%s refuses the TLS connection, maybe for the client certificate: %.300s", name, text);
                hint(ret, "have the certificate of CertFile= in %s accepted there, or renew it", section);
                return;
        }
        fetch_fail(ret, FETCH_RETRY_ALL, "", "%s cannot be reached: %s", name, curl_easy_strerror(code));
        hint_network(s, ret);
}

static CURLcode set_request(Session *s, const SessionRequest *q, const struct curl_slist *headers) {
        uint64_t now = now_usec(), left = q->deadline_usec > now ? q->deadline_usec - now : 0;
        long timeout_msec = (long) MAX_OF(MIN_OF(left / USEC_PER_MSEC, UINT64_C(60000)), UINT64_C(1));
        CURLcode k = CURLE_OK;

        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_URL, q->url);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, MIN_OF(timeout_msec, CONNECT_MSEC));
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, timeout_msec);
        if (!q->body)
                return k ? k : curl_easy_setopt(s->curl, CURLOPT_HTTPGET, 1L);

        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_POSTFIELDSIZE, (long) secret_size(q->body));
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, (const char *) secret_data(q->body));
        return k;
}

static CURLcode perform(Session *s, Secret *body) {
        CURLcode k;

        s->error[0] = 0;
        secret_set_size(body, 0);
        k = curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, body);

        return k ? k : curl_easy_perform(s->curl);
}

static void read_head(const Session *s, SessionReply *ret) {
        curl_off_t retry_after = 0;
        const char *type = NULL;

        ignore_result(curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &ret->status), "then it is 0, which is no good status");
        ignore_result(curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &retry_after), "then it is 0");
        ignore_result(curl_easy_getinfo(s->curl, CURLINFO_CONTENT_TYPE, &type), "then there is none");
        ret->retry_after_sec = (uint32_t) MAX_OF(MIN_OF(retry_after, (curl_off_t) 86400), (curl_off_t) 0);
        ret->is_html = type && strncasecmp(type, "text/html", strlen("text/html")) == 0;
}

static void free_headersp(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

int session_send(Session *s, const SessionRequest *q, SessionReply *ret, FetchAnswer *ret_failure) {
        _cleanup_(free_headersp) struct curl_slist *json = NULL;
        _cleanup_(session_reply_done) SessionReply reply = {};
        CURLcode code;
        int r;

        r = secret_new(SESSION_BODY_MAX, &reply.body);
        if (r >= 0 && !q->headers)
                r = session_add_header(&json, "Accept", "application/json", strlen("application/json"));
        if (r < 0)
                return r;

        code = set_request(s, q, q->headers ? q->headers : json);
        if (code == CURLE_OK)
                code = perform(s, reply.body);
        /* RFC 8446, 4.4.2.4: a server that does not take our certificate says so by an alert, which may come when the handshake is over for us. The
           reset that follows it may overtake it: then the second time tells. */
        if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
                code = perform(s, reply.body);
        /* The handle outlives them. */
        ignore_result(curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, NULL), "it is set for the next one");
        if (code != CURLE_OK) {
                explain(s, code, ret_failure);
                return 1;
        }

        read_head(s, &reply);
        *ret = reply;
        reply = (SessionReply) {};
        return 0;
}
