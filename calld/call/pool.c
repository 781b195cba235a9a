/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/err.h>

#include "calld/call/pool.h"

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)

/* Takes the next certificate off @rest. Return: 0 with *ret NULL at the end, POOL_E_CERTIFICATES */
static int next_certificate(Span *rest, X509 **ret) {
        const unsigned char *p;
        Span der;

        if (!msg_certificates_next(rest, &der)) {
                *ret = NULL;
                return rest->size == 0 ? 0 : POOL_E_CERTIFICATES;
        }

        p = der.data;
        *ret = d2i_X509(NULL, &p, (long) der.size);
        if (!*ret)
                return POOL_E_CERTIFICATES;
        return 0;
}

static int load_chain(Pool *p, Span chain) {
        int r;

        p->chain = sk_X509_new_null();
        if (!p->chain)
                return -ENOMEM;

        r = next_certificate(&chain, &p->leaf);
        if (r != 0 || !p->leaf)
                return POOL_E_CERTIFICATES;

        for (;;) {
                _cleanup_(X509_freep) X509 *certificate = NULL;

                r = next_certificate(&chain, &certificate);
                if (r != 0 || !certificate)
                        return r;
                if (sk_X509_push(p->chain, certificate) == 0)
                        return -ENOMEM;
                certificate = NULL;
        }
}

/* The store of a CA set; parsing the system's bundle takes 15 ms, so all connections of the set share one. */
static int make_store(CaCertificates *ca) {
        _cleanup_(X509_STORE_freep) X509_STORE *store = NULL;
        Span rest = buf_span(&ca->ders);
        int r;

        if (ca->store)
                return 0;

        store = X509_STORE_new();
        if (!store)
                return -ENOMEM;

        for (;;) {
                _cleanup_(X509_freep) X509 *certificate = NULL;

                r = next_certificate(&rest, &certificate);
                if (r != 0)
                        return r;
                if (!certificate)
                        break;
                if (X509_STORE_add_cert(store, certificate) != 1)
                        return -ENOMEM;
        }

        /* as curl does: an intermediate in CAFile= is an anchor too */
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
        ca->store = TAKE_PTR(store);
        return 0;
}

int pool_prepare(Connection *c, sd_event *loop, Turn *turn, const CurlLoopOps *ops) {
        _cleanup_(pool_freep) Pool *p = NULL;
        int r;

        if (c->pool)
                return 0;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        r = load_chain(p, c->profile->m.chain);
        if (r == 0)
                r = make_store(c->profile->ca);
        ERR_clear_error();
        if (r != 0)
                return r;

        r = curlloop_new(loop, turn, ops, &p->curl);
        if (r < 0)
                return r;

        c->pool = TAKE_PTR(p);
        return 0;
}

Pool *pool_free(Pool *p) {
        if (!p)
                return NULL;

        for (size_t i = 0; i < p->n_idle; i++)
                curl_easy_cleanup(p->idle[i]);
        curlloop_free(p->curl);
        X509_free(p->leaf);
        sk_X509_pop_free(p->chain, X509_free);
        free(p);
        return NULL;
}

CURL *pool_take_easy(Pool *p) {
        if (p->n_idle > 0)
                return p->idle[--p->n_idle];
        return curl_easy_init();
}

void pool_give_easy(Pool *p, CURL *easy) {
        if (p->n_idle == POOL_IDLE_MAX) {
                curl_easy_cleanup(easy);
                return;
        }

        curl_easy_reset(easy);
        p->idle[p->n_idle++] = easy;
}
