/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/tcp.h"

#include <openssl/crypto.h>

static bool deny(Exchange *e, const char *hint, const char *detail) {
        call_error_set(&e->error, CALL_CALLER_DENIED, hint, "%s", detail);
        record_denied(e, /* report_only= */ false);
        return false;
}

bool tcp_token_matches(Span wanted, const char *token) {
        char a[PROTO_TEXT_MAX + 1] = {}, b[PROTO_TEXT_MAX + 1] = {};
        size_t n = token ? strnlen(token, sizeof(b)) : 0;

        if (wanted.size == 0 || wanted.size >= sizeof(a) || n >= sizeof(b))
                return false;
        memcpy(a, wanted.data, wanted.size);
        if (n > 0)
                memcpy(b, token, n);
        return CRYPTO_memcmp(a, b, sizeof(a)) == 0;
}

/* The Host field is the authority and nothing else: no port that another name would have come with, no letter in another case. */
static bool host_is_exact(const Exchange *e) {
        const Target *t = &e->target;
        Span host = e->request.host;

        if (t->kind == TARGET_URL)
                return span_equal(host, t->authority);
        return span_equal(host, t->alias) && (t->kind != TARGET_RESERVED || span_is(host, TARGET_RESERVED_AUTHORITY));
}

bool tcp_may_call(Exchange *e) {
        Span wanted = e->gateway->directory->limits.tcp_token;

        if (e->request.from_page)
                return deny(e, "Call from a program; over the Unix socket no token is needed.", "web pages may not call");
        if (!host_is_exact(e))
                return deny(e, "Send one Host field with the connection's name, without a port.",
                            "the Host field is not exactly the connection's name");
        if (wanted.size == 0)
                return deny(e, "Set TcpToken= in midtls.conf, or use the Unix socket.", "calls over TCP need a token, and none is set");
        if (!tcp_token_matches(wanted, e->request.options.token))
                return deny(e, "Send Midtls-Token with what TcpToken= in midtls.conf leads to, or use the Unix socket.",
                            e->request.options.token ? "the token is wrong" : "calls over TCP need a token");
        return true;
}
