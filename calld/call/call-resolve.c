/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The name of the host that libcurl connects to: looked up by the resolver, and pinned before libcurl can ask for it
 *
 * libcurl is asked first, since it needs no name where it has a kept connection. When it does, its attempt is ended before anything was done, the
 * name is looked up, and the transfer begins anew with the addresses given. They stand in the multi handle's DNS cache for
 * CALL_PINNED_SEC, so that new connections made meanwhile find them there. The order is the resolver's; of several addresses libcurl tries the
 * other family too when the first does not answer at once (RFC 8305).
 */

#include <arpa/inet.h>

#include "calld/call/call-internal.h"

/* In one attempt: libcurl may want another connection after the addresses have aged. */
#define LOOKUPS_MAX 4U

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

/* Whom libcurl connects to, which is the proxy where there is one. *ret_port NULL: none is said. Return: 0 or -errno */
static int find_peer(const Call *c, char **ret_host, char **ret_port) {
        const MsgConnection *m = &c->connection->m;
        _cleanup_free_ char *url = NULL;
        CURLU *parts = NULL;
        bool is_good;
        int r;

        r = m->proxy.size > 0 ? span_to_string(m->proxy, &url) : span_to_string(span_from_string(c->url), &url);
        if (r < 0)
                return r;
        parts = curl_url();
        if (!parts)
                return -ENOMEM;

        is_good = curl_url_set(parts, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME) == CURLUE_OK &&
                  curl_url_get(parts, CURLUPART_HOST, ret_host, 0) == CURLUE_OK;
        if (is_good && curl_url_get(parts, CURLUPART_PORT, ret_port, 0) != CURLUE_OK)
                *ret_port = NULL;
        curl_url_cleanup(parts);
        return is_good ? 0 : -EINVAL;
}

static bool is_literal(const char *host) {
        struct in6_addr ignored;

        return host[0] == '[' || inet_pton(AF_INET, host, &ignored) == 1 || inet_pton(AF_INET6, host, &ignored) == 1;
}

int call_on_resolve(void *resolver, void *reserved, void *userdata) {
        char *host = NULL, *port = NULL;
        Call *c = userdata;
        bool literal;

        (void) resolver;
        (void) reserved;
        if (c->dead || !call_keyd_is_up(c))
                return 1;

        literal = find_peer(c, &host, &port) == 0 && is_literal(host);
        curl_free(host);
        curl_free(port);
        c->needs_name = !literal;
        return c->needs_name;
}

/*
 * "+HOST:PORT:ADDRESS,ADDRESS": CURLOPT_RESOLVE(3); with "+" they age like any other answer, and replace those that are there. The port of a proxy
 * is 1080 unless it is said: CURLOPT_PROXY(3).
 */
static int pin(Call *c, const char *host, const char *port, const MsgAnswer *a) {
        _cleanup_(buf_done) Buf line = BUF_INIT(RESOLVE_NAME_MAX + 64 + RESOLVE_ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3));
        int r;

        r = buf_printf(&line, "+%s:%s:", host, port ? port : "1080");
        for (size_t i = 0; r == 0 && i < a->n_addresses; i++) {
                const ResolveAddress *address = &a->addresses[i];
                char text[INET6_ADDRSTRLEN];

                ASSERT(inet_ntop(address->is_ipv6 ? AF_INET6 : AF_INET, address->bytes, text, sizeof(text)));
                r = buf_printf(&line, address->is_ipv6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", text);
        }
        if (r == 0)
                r = buf_append(&line, "", 1);
        if (r < 0)
                return r;

        call_unpin(c);
        c->pinned = curl_slist_append(NULL, (const char *) line.data);
        if (!c->pinned)
                return -ENOMEM;
        return curl_easy_setopt(c->easy, CURLOPT_RESOLVE, c->pinned) == CURLE_OK ? 0 : -ENOMEM;
}

static void fail_unresolved(Call *c, const MsgAnswer *a) {
        const Span *proxy = &c->connection->m.proxy;
        CallError *e = call_fail(c);

        if (!e)
                return;
        call_error_set(e, CALL_DNS_FAILED, NULL, "%s%s: %.*s", proxy->size > 0 ? "the proxy " : "", c->peer_host, SPAN_ARGS(a->text));
        if (a->result == RESOLVE_SILENT) {
                e->status = 504;
                e->proxy_error = "dns_timeout";
        }
}

/* What the lookup took is taken off the time there is for the connection. */
static void shorten(Call *c) {
        uint64_t elapsed_usec = now_usec() - c->started_usec, connect_usec = c->connection->m.connect_timeout_usec;

        call_set_timeout(c, c->timeout_usec > elapsed_usec ? c->timeout_usec - elapsed_usec : 1);
        call_set_connect_timeout(c, connect_usec > c->lookup_usec ? connect_usec - c->lookup_usec : 1);
}

static int start_anew(Call *c, const MsgAnswer *a) {
        int r;

        r = pin(c, c->peer_host, c->peer_port, a);
        if (r < 0)
                return r;
        shorten(c);
        c->waiting = false;
        c->curl_text[0] = '\0';
        return curlloop_add(c->connection->pool->curl, c->easy);
}

static void on_answer(void *userdata, const MsgAnswer *a) {
        Call *c = userdata;

        c->lookup = NULL;
        c->lookup_usec = now_usec() - c->lookup_started_usec;
        if (a->result != RESOLVE_OK || a->n_addresses == 0) {
                fail_unresolved(c, a);
                call_finish(c, CURLE_COULDNT_RESOLVE_HOST);
        } else if (start_anew(c, a) < 0) {
                c->waiting = true;
                call_finish(c, CURLE_OUT_OF_MEMORY);
        }
}

static int start_lookup(Call *c) {
        uint64_t now = now_usec(), end = c->started_usec + c->timeout_usec;
        uint64_t patience_usec = MIN_OF(c->connection->m.connect_timeout_usec, end > now ? end - now : 1);

        c->lookup_started_usec = now;
        c->waiting = true;
        return resolver_find_host(c->caller->resolver, span_from_string(c->peer_host), deadline_after(patience_usec), on_answer, c, &c->lookup);
}

/* What a kept connection was sent before it turned out to be dead does not count in the transfer that begins. */
static bool may_begin_anew(Call *c) {
        if (c->n_connections > 0 && !call_may_resend(c))
                return false;
        c->n_connections = 0;
        c->n_sent = 0;
        return true;
}

bool call_resolve(Call *c) {
        c->needs_name = false;
        if (c->n_lookups++ == LOOKUPS_MAX || !may_begin_anew(c))
                return false;

        call_forget_peer(c);
        if (find_peer(c, &c->peer_host, &c->peer_port) < 0 || strlen(c->peer_host) > RESOLVE_NAME_MAX)
                return false;
        if (start_lookup(c) == 0)
                return true;
        c->waiting = true;
        return false;
}

void call_forget_peer(Call *c) {
        curl_free(c->peer_host);
        curl_free(c->peer_port);
        c->peer_host = c->peer_port = NULL;
}

void call_unpin(Call *c) {
        /* libcurl is told first: it keeps the pointer */
        if (c->easy)
                curl_easy_setopt(c->easy, CURLOPT_RESOLVE, NULL);
        curl_slist_free_all(c->pinned);
        c->pinned = NULL;
}
