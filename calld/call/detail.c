/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/detail.h"

#include <string.h>

#include "calld/keyprov/handshake.h"

DEFINE_CLEANUP(BIO *, BIO_free)

void detail_name(const X509_NAME *name, char *ret, size_t size) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        long n = 0;

        if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long) ASN1_STRFLGS_ESC_MSB) >= 0)
                n = BIO_get_mem_data(bio, &text);
        n = n > 0 ? MIN_OF(n, (long) size - 1) : 0;
        if (n > 0)
                memcpy(ret, text, (size_t) n);
        ret[n] = '\0';
}

uint64_t detail_not_after(const X509 *certificate) {
        struct tm tm;
        time_t t;

        if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &tm) != 1)
                return 0;
        t = timegm(&tm);
        return t > 0 ? (uint64_t) t : 0;
}

void detail_add_chain(CallDetail *d, X509_STORE_CTX *store_ctx) {
        const STACK_OF(X509) *sent = X509_STORE_CTX_get0_untrusted(store_ctx);
        int n = sent ? sk_X509_num(sent) : 0;

        d->n_chain = 0;
        for (int i = 0; i < n && d->n_chain < DETAIL_CERTIFICATES_MAX; i++) {
                const X509 *x = sk_X509_value(sent, i);
                DetailCertificate *c = &d->chain[d->n_chain++];

                detail_name(X509_get_subject_name(x), c->subject, sizeof(c->subject));
                c->not_after = detail_not_after(x);
        }
}

/* libssl asks for a certificate when the server has asked for one. */
static int on_request(SSL *ssl, void *arg) {
        const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(ssl);
        Handshake *h = handshake_of(SSL_get_SSL_CTX(ssl));
        CallDetail *d = h ? h->detail : NULL;
        int n = names ? sk_X509_NAME_num(names) : 0;

        (void) arg;
        if (!d)
                return 1;

        d->n_issuers = (size_t) MAX_OF(n, 0);
        for (int i = 0; i < n && i < (int) DETAIL_ISSUERS_MAX; i++)
                detail_name(sk_X509_NAME_value(names, i), d->issuers[i], sizeof(d->issuers[i]));
        return 1;
}

void detail_watch_request(SSL_CTX *ctx) {
        SSL_CTX_set_cert_cb(ctx, on_request, NULL);
}
