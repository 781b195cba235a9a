/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A connection with Proxy=: the way there, and what is said when it ends before the far server
 *
 * The proxy is asked for a tunnel (CONNECT: RFC 9110, 9.3.6; SOCKS5: RFC 1928) to the far server's name, which it resolves itself. It is spoken to
 * in the clear, so it sees neither a certificate nor a handshake of its own.
 */

#include "calld/call/address.h"
#include "calld/call/call-internal.h"
#include "calld/call/proxy.h"

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

static int set_user(Call *c, const Proxy *p) {
        _cleanup_free_ char *user = NULL, *password = NULL;
        char *decoded;
        int r;

        r = span_to_string(p->user, &user);
        if (r == 0)
                r = span_to_string(c->connection->m.proxy_password, &password);
        if (r < 0)
                return r;

        decoded = curl_easy_unescape(c->easy, user, 0, NULL);
        if (decoded) {
                curl_easy_setopt(c->easy, CURLOPT_PROXYUSERNAME, decoded);
                curl_easy_setopt(c->easy, CURLOPT_PROXYPASSWORD, password);
        }
        curl_free(decoded);
        explicit_bzero(password, strlen(password));
        return decoded ? 0 : -ENOMEM;
}

/* What the name resolves to is the proxy's to know; an address that stands there is not. Return: false when it is denied */
static bool address_permitted(const Call *c, CallError *ret_error) {
        const MsgConnection *m = &c->connection->m;
        const Span *rule = address_find_denied_text(m->host, &m->deny_addresses);

        if (rule)
                call_error_set(ret_error, CALL_ADDRESS_DENIED, NULL, "Host=%.*s is what DenyAddresses=%.*s forbids", SPAN_ARGS(m->host),
                               SPAN_ARGS(*rule));
        return !rule;
}

int call_setup_proxy(Call *c, CallError *ret_error) {
        char url[PROTO_TEXT_MAX + 1];
        bool is_http;
        Proxy p;

        /* Empty strings, unlike none, keep libcurl from looking into the environment. */
        curl_easy_setopt(c->easy, CURLOPT_NOPROXY, "");
        if (!proxy_parse(c->connection->m.proxy, &p)) {
                curl_easy_setopt(c->easy, CURLOPT_PROXY, "");
                return 0;
        }
        if (!address_permitted(c, ret_error))
                return 1;

        is_http = span_is(p.scheme, "http");
        snprintf(url, sizeof(url), "%s://%.*s", is_http ? "http" : "socks5h", SPAN_ARGS(p.authority));
        curl_easy_setopt(c->easy, CURLOPT_PROXY, url);
        curl_easy_setopt(c->easy, CURLOPT_HTTPPROXYTUNNEL, 1L);
        curl_easy_setopt(c->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
        curl_easy_setopt(c->easy, CURLOPT_PROXYAUTH, (long) CURLAUTH_BASIC);
        curl_easy_setopt(c->easy, CURLOPT_SOCKS5_AUTH, (long) CURLAUTH_BASIC);
        return p.user.size > 0 ? set_user(c, &p) : 0;
}

typedef struct AnswerRow {
        long status;
        unsigned ours;           /* 0: 502 */
        const char *proxy_error; /* RFC 9209, 2.3 */
        const char *what;
        const char *hint;
} AnswerRow;

static const char hint_rules[] = "Ask the proxy's operator to permit CONNECT to this host and port.";
static const char hint_user[] = "Check the user in Proxy= and the password that ProxyPassword= of the connection leads to.";
static const char hint_behind[] = "The proxy works; it says that it cannot reach the far server.";

static const AnswerRow answer_rows[] = {
        {401, 0, "proxy_configuration_error", "wants other credentials", hint_user},
        {403, 0, "connection_refused", "does not permit it", hint_rules},
        {405, 0, "connection_refused", "does not know CONNECT", "Check that Proxy= of the connection names an HTTP proxy."},
        {407, 0, "proxy_configuration_error", "wants other credentials", hint_user},
        {504, 504, "connection_timeout", "cannot reach it in time", hint_behind},
};

/* An answer to CONNECT that is none of 2xx. One of 4xx is about us, and another attempt would be answered the same. */
static void explain_answer(Call *c, const char *proxy, long status) {
        static const AnswerRow other = {0, 0, "connection_refused", "refuses", "Ask the proxy's operator; Proxy= of the connection names it."};
        static const AnswerRow behind = {0, 0, "destination_unavailable", "cannot reach it", hint_behind};
        const AnswerRow *row = status >= 500 ? &behind : &other;
        const MsgConnection *m = &c->connection->m;

        for (size_t i = 0; i < ARRAY_SIZE(answer_rows); i++)
                if (answer_rows[i].status == status)
                        row = &answer_rows[i];
        c->never_again = status < 500;
        call_error_set(&c->error, CALL_CONNECT_FAILED, row->hint, "the proxy %s, asked for %.*s:%u, %s (status %ld)", proxy, SPAN_ARGS(m->host),
                       m->port, row->what, status);
        c->error.status = row->ours;
        c->error.proxy_error = row->proxy_error;
}

typedef struct SocksRow {
        CURLproxycode code;
        const char *proxy_error;
        const char *what;
        const char *hint;
} SocksRow;

/* RFC 1928, 3 and 6; RFC 1929, 2 */
static const SocksRow socks_rows[] = {
        {CURLPX_NO_AUTH, "proxy_configuration_error", "wants another kind of authentication", hint_user},
        {CURLPX_USER_REJECTED, "proxy_configuration_error", "does not take the user and password", hint_user},
        {CURLPX_LONG_USER, "proxy_configuration_error", "cannot be given so long a user", hint_user},
        {CURLPX_LONG_PASSWD, "proxy_configuration_error", "cannot be given so long a password", hint_user},
        {CURLPX_REPLY_NOT_ALLOWED, "connection_refused", "does not permit it", hint_rules},
        {CURLPX_REPLY_NETWORK_UNREACHABLE, "destination_unavailable", "cannot reach its network", hint_behind},
        {CURLPX_REPLY_HOST_UNREACHABLE, "destination_unavailable", "cannot reach it", hint_behind},
        {CURLPX_REPLY_CONNECTION_REFUSED, "connection_refused", "was refused by it", hint_behind},
        {CURLPX_REPLY_TTL_EXPIRED, "destination_unavailable", "cannot reach it", hint_behind},
        {CURLPX_REPLY_GENERAL_SERVER_FAILURE, "destination_unavailable", "cannot reach it", hint_behind},
        {CURLPX_CLOSED, "connection_terminated", "closed the connection", NULL},
};

static bool explain_socks(Call *c, const char *proxy) {
        const MsgConnection *m = &c->connection->m;
        const SocksRow *row = NULL;
        long code = CURLPX_OK;

        if (curl_easy_getinfo(c->easy, CURLINFO_PROXY_ERROR, &code) != CURLE_OK || code == CURLPX_OK)
                return false;

        for (size_t i = 0; i < ARRAY_SIZE(socks_rows); i++)
                if ((long) socks_rows[i].code == code)
                        row = &socks_rows[i];
        c->never_again = code == CURLPX_NO_AUTH || code == CURLPX_USER_REJECTED || code == CURLPX_REPLY_NOT_ALLOWED;
        call_error_set(&c->error, CALL_CONNECT_FAILED, row ? row->hint : "Check that Proxy= of the connection names a SOCKS5 proxy.",
                       "the proxy %s, asked for %.*s:%u, %s", proxy, SPAN_ARGS(m->host), m->port, row ? row->what : c->curl_text);
        c->error.proxy_error = row ? row->proxy_error : "connection_refused";
        return true;
}
static void explain_no_way(Call *c, const char *proxy, CURLcode result) {
        const char *hint = "Check that the proxy runs and that Proxy= of the connection names it.";
        long error = 0;

        if (result == CURLE_COULDNT_RESOLVE_PROXY) {
                call_error_set(&c->error, CALL_DNS_FAILED, "Check Proxy= of the connection and this host's DNS.", "the name of the proxy %s: %s",
                               proxy, c->curl_text[0] ? c->curl_text : "cannot be resolved");
                return;
        }

        curl_easy_getinfo(c->easy, CURLINFO_OS_ERRNO, &error);
        if (result == CURLE_OPERATION_TIMEDOUT || error == ETIMEDOUT) {
                call_error_set(&c->error, CALL_CONNECT_FAILED, hint, "the proxy %s: no tunnel within %.1f s", proxy,
                               (double) c->report.duration_usec / USEC_PER_SEC);
                c->error.status = 504;
                c->error.proxy_error = "connection_timeout";
        } else if (result == CURLE_COULDNT_CONNECT) {
                call_error_set(&c->error, CALL_CONNECT_FAILED, hint, "the proxy %s cannot be connected to: %s", proxy,
                               error != 0 ? strerror((int) error) : c->curl_text);
        } else {
                call_error_set(&c->error, CALL_CONNECT_FAILED, hint, "the proxy %s gave no tunnel: %s", proxy,
                               c->curl_text[0] ? c->curl_text : curl_easy_strerror(result));
                c->error.proxy_error = "connection_terminated";
        }
}

bool call_explain_proxy(Call *c, CURLcode result) {
        char text[PROTO_TEXT_MAX + 1];
        long status = 0;
        Proxy p;

        /* with a handshake the tunnel is there */
        if (c->handshake || result == CURLE_OK || !proxy_parse(c->connection->m.proxy, &p))
                return false;

        proxy_to_string(&p, text, sizeof(text));
        if (curl_easy_getinfo(c->easy, CURLINFO_HTTP_CONNECTCODE, &status) == CURLE_OK && status >= 300)
                explain_answer(c, text, status);
        else if (result == CURLE_COULDNT_RESOLVE_PROXY || result == CURLE_COULDNT_CONNECT || result == CURLE_OPERATION_TIMEDOUT ||
                 !explain_socks(c, text))
                explain_no_way(c, text, result);
        return true;
}
