/* SPDX-License-Identifier: Apache-2.0 */

/* client-certificate, scheme */

#include "keyd/crypto/ossl.h"
#include "keyd/verifier/check-internal.h"
#include "keyd/verifier/scheme.h"

static int certificate_equals(X509 *certificate, Span der) {
        unsigned char *own = NULL;
        bool equal;
        int n;

        n = i2d_X509(certificate, &own);
        if (n <= 0)
                return -ENOMEM;

        equal = span_equal(span_make(own, (size_t) n), der);
        OPENSSL_free(own);
        return equal;
}

int check_client_certificate(Check *c) {
        const CertificateList *l = &c->client_certificates;
        int r;

        /* RFC 8446, 4.4.2: the value of certificate_request_context in the server's CertificateRequest, which is empty */
        if (l->context.size > 0)
                return refuse(c, REFUSAL_CLIENT_CERTIFICATE, "the client's Certificate message has a context; in a first handshake it is empty");
        if (l->n_certificates == 0)
                return refuse(c, REFUSAL_CLIENT_CERTIFICATE,
                              "the client's Certificate message is empty; the server takes no key of the profile's kind");
        if (l->n_certificates > CERTIFICATES_MAX)
                return refuse(c, REFUSAL_CLIENT_CERTIFICATE, "the client's Certificate message holds %zu certificates; %u at most", l->n_certificates,
                              CERTIFICATES_MAX);

        r = certificate_equals(c->policy->client_leaf, l->certificates[0]);
        if (r < 0)
                return r;
        if (!r)
                return refuse(c, REFUSAL_CLIENT_CERTIFICATE, "the client's Certificate message holds another certificate than the profile's");
        return 0;
}

int check_scheme(Check *c) {
        const SignatureScheme *s = scheme_find(c->scheme, c->version);
        EVP_PKEY *key = X509_get0_pubkey(c->policy->client_leaf);

        if (!key)
                return -EIO;

        if (!s)
                return refuse(c, REFUSAL_SCHEME, "signature scheme 0x%04x is not allowed in TLS 1.%d", c->scheme,
                              c->version == TLS_VERSION_1_3 ? 3 : 2);
        if (!scheme_fits_key(s, key, c->version))
                return refuse(c, REFUSAL_SCHEME, "signature scheme %s does not fit the profile's key", s->name);
        /* RFC 8446, 4.4.3: MUST be one of those present in "signature_algorithms" of the CertificateRequest */
        if (!u16_list_has(c->certificate_request.signature_algorithms, s->code))
                return refuse(c, REFUSAL_SCHEME, "the server does not take signatures with %s; its CertificateRequest does not offer it", s->name);
        return 0;
}
