/* SPDX-License-Identifier: Apache-2.0 */

/* Certificates and states, as keyd stated them last: what was renewed shows at once */

#include <openssl/err.h>
#include <openssl/x509.h>

#include "calld/call/detail.h"
#include "calld/gateway/metrics.h"

typedef unsigned long long ull;

/* Of a larger set, one always ends soon: the bundle of all public CAs tells nothing. */
#define CA_CERTIFICATES_MAX 32U

DEFINE_CLEANUP(X509 *, X509_free)

static uint64_t not_after(Span der) {
        const unsigned char *p = der.data;
        _cleanup_(X509_freep) X509 *x = d2i_X509(NULL, &p, (long) der.size);

        ERR_clear_error();
        return x ? detail_not_after(x) : 0;
}

/* The first that ends among those behind the first @skip; 0: there are none, or more than @max */
static uint64_t first_not_after(Span ders, size_t skip, size_t max) {
        uint64_t least = 0;
        size_t n = 0;
        Span rest = ders, der;

        while (msg_certificates_next(&rest, &der))
                n++;
        if (n > max)
                return 0;

        rest = ders;
        for (size_t i = 0; msg_certificates_next(&rest, &der); i++) {
                uint64_t v = i < skip ? 0 : not_after(der);

                if (v != 0 && (least == 0 || v < least))
                        least = v;
        }
        return least;
}

/* Names of profiles are letters and digits, so they need no quoting. */
static void put_certificate(MetricsText *t, const MsgProfile *p, const char *part, uint64_t seconds) {
        if (seconds != 0)
                metrics_printf(t, "midtls_certificate_not_after_seconds{profile=\"%.*s\",part=\"%s\"} %llu\n", (int) p->name.size,
                               (const char *) p->name.data, part, (ull) seconds);
}

static void put_profile_gauge(MetricsText *t, const char *name, const MsgProfile *p, uint64_t value) {
        metrics_printf(t, "%s{profile=\"%.*s\"} %llu\n", name, (int) p->name.size, (const char *) p->name.data, (ull) value);
}

/* A key that is used although the last load failed has a reason with it. */
static bool load_failed(const MsgProfile *p) {
        return p->state == PROTO_STATE_UNAVAILABLE || (p->state == PROTO_STATE_READY && p->reason.size > 0);
}

void metrics_profiles(MetricsText *t, const Directory *d) {
        metrics_family(
                t, "midtls_certificate_not_after_seconds", "gauge", "seconds",
                "When the first certificate of that part ends, in seconds since 1970: leaf and chain are ours, ca is what the server is checked with.");
        for (size_t i = 0; i < d->n_profiles; i++) {
                const Profile *p = d->profiles[i];

                put_certificate(t, &p->m, "leaf", p->m.not_after);
                put_certificate(t, &p->m, "chain", first_not_after(p->m.chain, 1, PROTO_CHAIN_MAX));
                if (p->ca)
                        put_certificate(t, &p->m, "ca", first_not_after(buf_span(&p->ca->ders), 0, CA_CERTIFICATES_MAX));
        }

        metrics_family(t, "midtls_profile_ready", "gauge", NULL, "Whether the profile's key can be used.");
        for (size_t i = 0; i < d->n_profiles; i++)
                put_profile_gauge(t, "midtls_profile_ready", &d->profiles[i]->m, d->profiles[i]->m.state == PROTO_STATE_READY);

        metrics_family(t, "midtls_profile_load_failed", "gauge", NULL,
                       "Whether the profile's last load failed, for its keystore, its password or its secret store; an older key is used on.");
        for (size_t i = 0; i < d->n_profiles; i++)
                put_profile_gauge(t, "midtls_profile_load_failed", &d->profiles[i]->m, load_failed(&d->profiles[i]->m));

        metrics_family(t, "midtls_profile_generation", "gauge", NULL, "Loads of the profile's key since keyd started; 0: none is loaded.");
        for (size_t i = 0; i < d->n_profiles; i++)
                put_profile_gauge(t, "midtls_profile_generation", &d->profiles[i]->m, d->profiles[i]->m.generation);
}
