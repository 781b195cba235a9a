/* SPDX-License-Identifier: Apache-2.0 */

/* What libcurl asks while it makes a connection; a kept connection comes to call_on_prereq() at once. */

#include <openssl/err.h>

#include "calld/call/address.h"
#include "calld/call/call-internal.h"
#include "calld/call/detail.h"
#include "calld/call/tls.h"

bool call_keyd_is_up(Call *c) {
        CallError *e;

        if (!c->caller->watch || watch_is_up(c->caller->watch))
                return true;

        watch_hurry(c->caller->watch);
        e = call_fail(c);
        if (e)
                call_error_set(e, CALL_KEYD_UNAVAILABLE, NULL, "keyd is not there, and this call needs a new connection");
        return false;
}

curl_socket_t call_on_open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address) {
        Call *c = userdata;
        const Span *rule;
        int fd;

        (void) purpose;
        c->report.resolved = true;
        c->checked = false;
        if (c->dead || !call_keyd_is_up(c))
                return CURL_SOCKET_BAD;

        /* after a kept connection that was dead: what is known of that one counts no more */
        if (c->handshake) {
                call_drop_handshake(c);
                c->report.handshake_done = c->report.reused = c->report.resumed = false;
        }

        address_to_string(&address->addr, c->report.address, sizeof(c->report.address));
        /* a proxy's address is none of the far server's */
        rule = c->connection->m.proxy.size > 0 ? NULL : address_find_denied(&address->addr, &c->connection->m.deny_addresses);
        if (rule) {
                /* another address of the name may do, so the call has not failed yet */
                if (!c->failed)
                        call_error_set(&c->error, CALL_ADDRESS_DENIED, NULL, "%.*s resolves to %s, which DenyAddresses=%.*s forbids",
                                       (int) c->connection->m.host.size, (const char *) c->connection->m.host.data, c->report.address,
                                       (int) rule->size, (const char *) rule->data);
                return CURL_SOCKET_BAD;
        }

        fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
        c->sockets[c->n_sockets++ % CALL_SOCKETS_MAX] = fd;
        return fd;
}

static Call *call_of(CURL *easy) {
        char *private = NULL;

        return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private) == CURLE_OK ? (Call *) private : NULL;
}

/* A kept connection was checked before anything is sent over it. */
bool call_is_connecting(CURL *easy) {
        const Call *c = call_of(easy);

        return c && !c->checked;
}

/* The handshake comes next, unless it came already: libcurl looks at sockets by itself at times. */
bool call_may_go_on(CURL *easy) {
        Call *c = call_of(easy);

        return !c || c->dead || c->handshake || gate_enter(&c->caller->gate, &c->ticket);
}

CURLcode call_on_ssl_ctx(CURL *easy, void *ssl_ctx, void *userdata) {
        _cleanup_(handshake_unrefp) Handshake *h = NULL;
        Call *c = userdata;
        const MsgProfile *p = &c->connection->profile->m;
        CallError *e;
        int r;

        (void) easy;
        if (c->dead)
                return CURLE_ABORTED_BY_CALLBACK;

        /* timers of libcurl's may make it look at a socket by itself */
        gate_force(&c->caller->gate, &c->ticket);
        r = handshake_new(c->connection->m.alias, p->generation, span_from_string(c->call_id), &h);
        if (r == 0)
                r = tls_prepare(ssl_ctx, c->connection, h, c->caller->client);
        if (r < 0) {
                e = call_fail(c);
                if (e)
                        call_error_set(e, r == -EOPNOTSUPP ? CALL_KEY_UNAVAILABLE : CALL_INTERNAL, NULL,
                                       "the certificate of profile %.*s cannot be used: %s", (int) p->name.size, (const char *) p->name.data,
                                       r == -EOPNOTSUPP ? "its type of key is not supported" : strerror(-r));
                return CURLE_ABORTED_BY_CALLBACK;
        }

        call_drop_handshake(c);
        h->detail = c->detail;
        if (c->detail)
                detail_watch_request(ssl_ctx);
        c->handshake = TAKE_PTR(h);
        c->report.connected = true;
        return CURLE_OK;
}

/* Why libssl sent no certificate although the server wanted one: it found no signature algorithm that both sides have. */
static void fail_unsigned(Call *c) {
        const Span *key_type = &c->connection->profile->m.key_type;
        CallError *e = call_fail(c);

        if (e)
                call_error_set(e, CALL_TLS_FAILED, "Let the far server accept a signature algorithm of this key, or use a key of another type.",
                               "the far server asked for a client certificate, but accepts no signature that a key of type %.*s can make; "
                               "nothing was sent without one",
                               (int) key_type->size, (const char *) key_type->data);
}

/* A server that lets everybody in is not the one the profile means: the call would go out as nobody. Its sessions must not come back resumed. */
static void fail_unrequested(Call *c) {
        CallError *e = call_fail(c);

        c->connection->pool->distrust_sessions = true;
        if (e)
                call_error_set(e, CALL_TLS_FAILED,
                               "Ask the far server's operator to demand client certificates at this host, port and path, or check Host= and Port=.",
                               "the far server asked for no client certificate, so the call would not have been authenticated; nothing was sent");
}

static SSL *call_ssl(Call *c) {
        const struct curl_tlssessioninfo *info = NULL;

        if (curl_easy_getinfo(c->easy, CURLINFO_TLS_SSL_PTR, &info) != CURLE_OK || !info)
                return NULL;
        return info->internals;
}

static void report_tls(CallReport *r, SSL *ssl) {
        const char *cipher = SSL_get_cipher_name(ssl);

        r->handshake_done = true;
        r->tls_version = (uint16_t) SSL_version(ssl);
        r->resumed = !r->reused && SSL_session_reused(ssl);
        snprintf(r->cipher, sizeof(r->cipher), "%s", cipher ? cipher : "");
}

static bool is_http2(const SSL *ssl) {
        const unsigned char *name;
        unsigned size;

        SSL_get0_alpn_selected(ssl, &name, &size);
        return size == 2 && memcmp(name, "h2", 2) == 0;
}

/*
 * RFC 8446, 4.4.2.4 and 6.2: a TLS 1.3 server refuses our certificate when for us the handshake is over. It then closes with our messages unread,
 * which resets the connection, and libcurl, busy with sending, would not read the alert that lies there.
 */
static bool has_early_alert(Handshake *h, SSL *ssl) {
        if (SSL_version(ssl) == TLS1_3_VERSION)
                ignore_result(call_peek(h, ssl), "what it reads is for the message callback");
        return h->alert_received != HANDSHAKE_ALERT_NONE;
}

/*
 * Whether a kept connection is not to be used: it has ended, or the far server has sent what nobody asked for, which would pass for the answer
 * to this request (RFC 9112, 9.2, and 11.1). libcurl takes both for signs of life.
 */
static bool is_stale(const Call *c, SSL *ssl) {
        return c->report.reused && !c->is_http2 && call_peek(c->handshake, ssl) != SSL_ERROR_WANT_READ;
}

bool call_on_connected(Call *c) {
        SSL *ssl = call_ssl(c);
        Handshake *h = ssl ? handshake_of(SSL_get_SSL_CTX(ssl)) : NULL;
        CallError *e;

        if (!h) {
                e = call_fail(c);
                if (e)
                        call_error_set(e, CALL_INTERNAL, NULL, "a connection without TLS of ours");
                return false;
        }

        c->report.reused = h != c->handshake;
        if (c->report.reused) {
                call_drop_handshake(c);
                c->handshake = handshake_ref(h);
        }
        report_tls(&c->report, ssl);
        c->is_http2 = is_http2(ssl);

        if (!c->report.reused && has_early_alert(h, ssl))
                return false;
        if (is_stale(c, ssl)) {
                c->stale = true;
                return false;
        }
        if (h->is_signed || (SSL_session_reused(ssl) && !c->connection->pool->distrust_sessions))
                return true;

        if (h->certificate_requested)
                fail_unsigned(c);
        else
                fail_unrequested(c);
        return false;
}

int call_on_prereq(void *userdata, char *remote_ip, char *local_ip, int remote_port, int local_port) {
        Call *c = userdata;

        (void) local_ip;
        (void) remote_port;
        gate_leave(&c->ticket, true);
        call_find_socket(c, local_port);
        snprintf(c->report.address, sizeof(c->report.address), "%s", remote_ip);
        c->checked = true;
        return !c->dead && call_may_resend(c) && call_on_connected(c) ? 0 : 1;
}
