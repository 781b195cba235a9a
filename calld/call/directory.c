/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/x509.h>

#include "calld/call/directory.h"
#include "calld/call/pool.h"
#include "calld/call/snapshot.h"

CaCertificates *ca_certificates_ref(CaCertificates *ca) {
        if (ca)
                ca->n_ref++;
        return ca;
}

CaCertificates *ca_certificates_unref(CaCertificates *ca) {
        if (!ca || --ca->n_ref > 0)
                return NULL;

        X509_STORE_free(ca->store);
        buf_done(&ca->ders);
        free(ca);
        return NULL;
}

Profile *profile_ref(Profile *p) {
        if (p)
                p->n_ref++;
        return p;
}

Profile *profile_unref(Profile *p) {
        if (!p || --p->n_ref > 0)
                return NULL;

        buf_done(&p->record);
        ca_certificates_unref(p->ca);
        free(p);
        return NULL;
}

Connection *connection_ref(Connection *c) {
        if (c)
                c->n_ref++;
        return c;
}

Connection *connection_unref(Connection *c) {
        if (!c || --c->n_ref > 0)
                return NULL;

        if (c->n_draining)
                (*c->n_draining)--;
        pool_free(c->pool);
        buf_done(&c->record);
        profile_unref(c->profile);
        free(c);
        return NULL;
}

void directory_done(Directory *d) {
        for (size_t i = 0; i < d->n_connections; i++)
                connection_unref(d->connections[i]);
        for (size_t i = 0; i < d->n_profiles; i++)
                profile_unref(d->profiles[i]);

        free(d->connections);
        free(d->profiles);
        buf_done(&d->record);
        *d = (Directory) {};
}

int directory_compare_names(Span a, Span b) {
        size_t n = MIN_OF(a.size, b.size);
        int r = n > 0 ? memcmp(a.data, b.data, n) : 0;

        if (r != 0)
                return r;
        return a.size < b.size ? -1 : a.size > b.size ? 1 : 0;
}

Connection *directory_find(const Directory *d, Span alias) {
        size_t from = 0, to = d->n_connections;

        while (from < to) {
                size_t middle = from + (to - from) / 2;
                int r = directory_compare_names(d->connections[middle]->m.alias, alias);

                if (r == 0)
                        return d->connections[middle];
                if (r < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return NULL;
}

static uint8_t lower(uint8_t c) {
        return c >= 'A' && c <= 'Z' ? (uint8_t) (c - 'A' + 'a') : c;
}

static bool equal_nocase(Span a, Span b) {
        if (a.size != b.size)
                return false;
        for (size_t i = 0; i < a.size; i++)
                if (lower(a.data[i]) != lower(b.data[i]))
                        return false;
        return true;
}

/* RFC 3986, 3.2.2: an IPv6 address stands in brackets */
static Span without_brackets(Span host) {
        if (host.size > 2 && host.data[0] == '[' && host.data[host.size - 1] == ']')
                return span_make(host.data + 1, host.size - 2);
        return host;
}

/* True when @path is @base or goes on behind it with a new segment or a query. */
static bool path_begins_with(Span path, Span base) {
        if (path.size < base.size || (base.size > 0 && memcmp(path.data, base.data, base.size) != 0))
                return false;
        return path.size == base.size || path.data[base.size] == '/' || path.data[base.size] == '?';
}

Connection *directory_find_url(const Directory *d, Span scheme, Span host, uint16_t port, Span path, Span *ret_path) {
        Connection *best = NULL;

        host = without_brackets(host);
        for (size_t i = 0; i < d->n_connections; i++) {
                Connection *c = d->connections[i];
                uint16_t wanted = port != 0 ? port : c->profile ? c->profile->m.default_port : 443;

                /* RFC 3986, 3.1 and 3.2.2: scheme and host are compared without regard to case */
                if (!equal_nocase(c->m.profile, scheme) || !equal_nocase(c->m.host, host) || c->m.port != wanted)
                        continue;
                if (!path_begins_with(path, c->m.base_path))
                        continue;
                if (!best || c->m.base_path.size > best->m.base_path.size)
                        best = c;
        }

        if (best)
                *ret_path = span_make(path.data + best->m.base_path.size, path.size - best->m.base_path.size);
        return best;
}
