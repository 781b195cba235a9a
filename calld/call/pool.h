#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A connection's pool: its curl multi handle, with the connections it keeps, and its TLS material, parsed once
 *
 * One for each Connection object and shared with no other: libcurl cannot tell identities apart that an SSL_CTX callback gave it.
 */

#include <openssl/x509.h>

#include "calld/call/curlloop.h"
#include "calld/call/directory.h"
#include "calld/call/retry.h"
#include "calld/call/verify-cache.h"

/*
 * Easy handles kept for later calls: libcurl keeps TLS sessions in them, one a handle, which is what many calls at once need. A share object would
 * hold one for all, and a TLS 1.3 ticket is used once (RFC 8446, C.4): of calls at once, one would resume.
 */
#define POOL_IDLE_MAX 64U

struct Pool {
        CurlLoop *curl;
        X509 *leaf;
        STACK_OF(X509) *chain; /* behind the leaf */
        VerifyCache verified;  /* chains of the server */
        CURL *idle[POOL_IDLE_MAX];
        size_t n_idle;
        RetryBudget retries;
        bool is_slow;           /* its last handshakes took long, see gate.h */
        bool distrust_sessions; /* a session was made without our certificate: none is resumed any more */
};

enum {
        _POOL_E_SUCCESS,
        POOL_E_CERTIFICATES, /* chain or CA certificates that OpenSSL cannot read */
};

/* Makes c->pool, unless there is one; c's profile is ready. Return: 0, POOL_E_CERTIFICATES, -errno */
int pool_prepare(Connection *c, sd_event *loop, Turn *turn, const CurlLoopOps *ops) _must_check_;
Pool *pool_free(Pool *p);
DEFINE_CLEANUP(Pool *, pool_free)

/* An easy handle without options; NULL without memory. It goes back by pool_give_easy(). */
CURL *pool_take_easy(Pool *p);
void pool_give_easy(Pool *p, CURL *easy);
