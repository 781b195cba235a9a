/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/session.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>

#include "keyd/fetcher/ccp.h"
#include "keyd/fetcher/trust.h"

#define ADDRESSES_MAX 8U
#define URL_MAX 8192U
#define CONNECT_MSEC 5000L

#define HINT_NETWORK "see whether the vault is up and Endpoint= in [CyberArk] is right, and whether midtls-keyd may use the network: midtls.conf(5)"

void session_done(Session *s) {
        curl_easy_cleanup(s->curl);
        curl_slist_free_all(s->addresses);
        curl_slist_free_all(s->headers);
        fetch_open_done(&s->open);
        buf_done(&s->ca);
        *s = (Session) {};
}

/* the vault's name */

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
        _cleanup_(buf_done) Buf line = BUF_INIT(URL_MAX);
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
                ccp_fail(ret_answer, FETCH_RETRY_ALL, HINT_NETWORK, "the address of CyberArk's host %.200s cannot be found: %s", host,
                         k == EAI_SYSTEM ? strerrordesc_np(errno) : gai_strerror(k));
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
                ccp_fail(ret_answer, FETCH_CONFIGURATION, "write https://HOST/AIMWebService/api/Accounts", "Endpoint= in [CyberArk] is no URL");
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
        struct curl_blob chain = {.data = s->open.chain, .len = strlen(s->open.chain), .flags = CURL_BLOB_NOCOPY};
        struct curl_blob key = {.data = secret_writable(s->open.key), .len = secret_size(s->open.key), .flags = CURL_BLOB_NOCOPY};
        CURLcode k = trust_set(s->curl, &s->ca);

        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYPEER, 1L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSL_VERIFYHOST, 2L);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
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
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, s->headers);
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
        s->headers = curl_slist_append(NULL, "Accept: application/json");
        if (!s->curl || !s->headers)
                return -ENOMEM;

        return set_tls(s) == CURLE_OK && set_http(s) == CURLE_OK ? 0 : -ENOMEM;
}

/* a request */

static int put_parameter(Session *s, Buf *url, const char *name, const char *value) {
        _cleanup_(free_textp) char *escaped = NULL;

        if (!*value)
                return 0;
        escaped = curl_easy_escape(s->curl, value, 0);
        return escaped ? buf_printf(url, "%s%s=%s", strcmp(name, "AppID") == 0 ? "?" : "&", name, escaped) : -ENOMEM;
}

static int make_url(Session *s, const FetchAsk *ask, Buf *url) {
        int r;

        r = buf_printf(url, "%s", s->open.endpoint);
        if (r >= 0)
                r = put_parameter(s, url, "AppID", s->open.app_id);
        if (r >= 0)
                r = put_parameter(s, url, "Safe", ask->safe);
        if (r >= 0)
                r = put_parameter(s, url, "Folder", ask->folder);
        if (r >= 0)
                r = put_parameter(s, url, "Object", ask->object);
        if (r >= 0)
                r = put_parameter(s, url, "PolicyID", ask->platform);
        if (r >= 0)
                r = buf_append(url, "", 1);

        return r;
}

/* The same words for the same failure, without times and counts: what is new is recorded, what is not is not. */
static void explain(const Session *s, CURLcode code, FetchAnswer *ret) {
        const char *text = s->error[0] ? s->error : curl_easy_strerror(code);

        switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_ISSUER_ERROR:
                ccp_fail(ret, FETCH_ALERT,
                         "set CAFile= in [CyberArk] to the CA of the vault's certificate; if it is right already, somebody stands between",
                         "CyberArk's certificate is not accepted: %.300s", text);
                return;
        case CURLE_SSL_CERTPROBLEM:
                ccp_fail(ret, FETCH_CONFIGURATION, "see CertFile= and KeyFile= in [CyberArk]",
                         "the client certificate for CyberArk cannot be used: %.300s", text);
                return;
        case CURLE_WRITE_ERROR:
        case CURLE_FILESIZE_EXCEEDED:
                ccp_fail(ret, FETCH_CONFIGURATION, "see whether Endpoint= in [CyberArk] is a Central Credential Provider",
                         "CyberArk answered with more than 1 MiB");
                return;
        case CURLE_OPERATION_TIMEDOUT:
                ccp_fail(ret, FETCH_RETRY_ALL, HINT_NETWORK, "CyberArk did not answer in time");
                return;
        case CURLE_SEND_ERROR:
                ccp_fail(ret, FETCH_RETRY_ALL, "see whether it accepts the certificate of CertFile= in [CyberArk]; it is tried again by itself",
                         "CyberArk ends the connection before it was asked");
                return;
        default:
                break;
        }

        /* TLS 1.3 tells it at the first read, so it comes as any error. */
        if (strstr(text, "alert"))
                ccp_fail(ret, FETCH_ALERT, "have the certificate of CertFile= in [CyberArk] allowed for this application, or renew it",
                         "CyberArk refuses the TLS connection, maybe for the client certificate: %.300s", text);
        else
                ccp_fail(ret, FETCH_RETRY_ALL, HINT_NETWORK, "CyberArk cannot be reached: %s", curl_easy_strerror(code));
}

static CURLcode perform(Session *s, const char *url, uint64_t timeout_usec, Secret *body) {
        long timeout_msec = (long) MAX_OF(MIN_OF(timeout_usec / USEC_PER_MSEC, UINT64_C(60000)), UINT64_C(1));
        CURLcode k = CURLE_OK;

        s->error[0] = 0;
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_URL, url);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_CONNECTTIMEOUT_MS, MIN_OF(timeout_msec, CONNECT_MSEC));
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_TIMEOUT_MS, timeout_msec);
        k = k ? k : curl_easy_setopt(s->curl, CURLOPT_WRITEDATA, body);

        return k ? k : curl_easy_perform(s->curl);
}

int session_ask(Session *s, const FetchAsk *ask, FetchAnswer *ret) {
        _cleanup_(buf_done) Buf url = BUF_INIT(URL_MAX);
        _cleanup_(secret_freep) Secret *body = NULL;
        curl_off_t retry_after = 0;
        long status = 0;
        CURLcode code;
        int r;

        *ret = (FetchAnswer) {};
        r = make_url(s, ask, &url);
        if (r >= 0)
                r = secret_new(SESSION_BODY_MAX, &body);
        if (r < 0)
                return r;

        code = perform(s, (const char *) url.data, ask->timeout_usec, body);
        /* RFC 8446, 4.4.2.4: a server that does not take our certificate says so by an alert, which may come when the handshake is over for us. The
           reset that follows it may overtake it: then the second time tells. */
        if (code == CURLE_SEND_ERROR)
                code = perform(s, (const char *) url.data, ask->timeout_usec, body);
        if (code != CURLE_OK) {
                explain(s, code, ret);
                return 0;
        }
        ignore_result(curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status), "then it is 0, which is no good status");
        ignore_result(curl_easy_getinfo(s->curl, CURLINFO_RETRY_AFTER, &retry_after), "then it is 0");

        r = ccp_read(ask, status, body, ret);
        ret->retry_after_sec = (uint32_t) MAX_OF(MIN_OF(retry_after, (curl_off_t) 86400), (curl_off_t) 0);
        return r;
}
