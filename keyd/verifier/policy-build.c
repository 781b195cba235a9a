/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A set of CA certificates is decoded once, however many profiles name it; a profile with CRLs has a store of its own with the set's
 * certificates in it. Without everything that the profile demands it has no store, and nothing is signed for it.
 */

#include "common/log.h"
#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-load.h"
#include "keyd/crypto/ossl.h"
#include "keyd/verifier/policy-internal.h"

#define CA_SET_BYTES_MAX ((size_t) 16 * 1024 * 1024)

static void leaves_free(Leaf *list) {
        while (list) {
                Leaf *leaf = list;

                list = leaf->next;
                X509_free(leaf->certificate);
                free(leaf);
        }
}

static void profile_free(Profile *p) {
        leaves_free(p->leaves);
        X509_STORE_free(p->store);
        buf_done(&p->record);
        free(p);
}
DEFINE_CLEANUP(Profile *, profile_free)

static void sets_free(CaSet *list) {
        while (list) {
                CaSet *set = list;

                list = set->next;
                X509_STORE_free(set->store);
                buf_done(&set->ders);
                free(set);
        }
}

static void crls_free(Crls *list) {
        while (list) {
                Crls *crls = list;

                list = crls->next;
                buf_done(&crls->ders);
                free(crls);
        }
}

Policy *policy_free(Policy *p) {
        if (!p)
                return NULL;

        sets_free(p->sets);
        crls_free(p->crls);
        while (p->profiles) {
                Profile *profile = p->profiles;

                p->profiles = profile->next;
                profile_free(profile);
        }
        while (p->connections) {
                Connection *connection = p->connections;

                p->connections = connection->next;
                free(connection);
        }
        free(p);
        return NULL;
}

int policy_new(Policy **ret) {
        Policy *p;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;

        *ret = p;
        return 0;
}

static Span body_of(Span record) {
        return span_make(record.data + 1, record.size - 1);
}

static X509 *decode_certificate(Span der) {
        _cleanup_(X509_freep) X509 *x = NULL;
        const uint8_t *p = der.data;

        x = d2i_X509(NULL, &p, (long) der.size);
        if (!x || p != der.data + der.size) {
                ERR_clear_error();
                return NULL;
        }

        return TAKE_PTR(x);
}

/* CA certificates */

/* A certificate that cannot be decoded is left out: then less is trusted, not more. */
static int fill_store(Span ders, X509_STORE *store) {
        Span der;

        while (msg_certificates_next(&ders, &der)) {
                _cleanup_(X509_freep) X509 *x = decode_certificate(der);

                if (!x)
                        log_message(PRIORITY_WARNING, "A CA certificate cannot be decoded and is left out");
                else if (X509_STORE_add_cert(store, x) != 1)
                        return -ENOMEM;
        }

        return ders.size == 0 ? 0 : POLICY_E_MALFORMED;
}

static int ca_set_finish(CaSet *set) {
        int r;

        set->store = X509_STORE_new();
        if (!set->store)
                return -ENOMEM;

        r = fill_store(buf_span(&set->ders), set->store);
        buf_done(&set->ders);
        set->finished = r == 0;
        return r;
}

static CaSet *find_set(const Policy *p, const uint8_t *id) {
        for (CaSet *i = p->sets; i; i = i->next)
                if (span_equal(span_make(i->id, sizeof(i->id)), span_make(id, sizeof(i->id))))
                        return i;
        return NULL;
}

int policy_add_certificates(Policy *p, Span record) {
        MsgCertificates m;
        CaSet *set;
        int r;

        if (msg_certificates_decode(body_of(record), &m) != 0)
                return POLICY_E_MALFORMED;

        set = find_set(p, m.set_id);
        if (set && set->finished)
                return POLICY_E_MALFORMED;
        if (!set) {
                set = calloc(1, sizeof(*set));
                if (!set)
                        return -ENOMEM;

                memcpy(set->id, m.set_id, sizeof(set->id));
                set->ders.max = CA_SET_BYTES_MAX;
                set->next = p->sets;
                p->sets = set;
        }

        r = buf_append(&set->ders, m.certificates.data, m.certificates.size);
        if (r < 0)
                return r == -EMSGSIZE ? POLICY_E_MALFORMED : r;

        return m.last ? ca_set_finish(set) : 0;
}

/* CRLs */

static Crls *find_crls(const Policy *p, Span profile) {
        for (Crls *i = p->crls; i; i = i->next)
                if (span_is(profile, i->profile))
                        return i;
        return NULL;
}

int policy_add_crl(Policy *p, Span record) {
        Crls *crls;
        MsgCrl m;
        int r;

        if (msg_crl_decode(body_of(record), &m) != 0)
                return POLICY_E_MALFORMED;

        crls = find_crls(p, m.profile);
        if (crls && crls->finished)
                return POLICY_E_MALFORMED;
        if (!crls) {
                crls = calloc(1, sizeof(*crls));
                if (!crls)
                        return -ENOMEM;

                memcpy(crls->profile, m.profile.data, m.profile.size);
                crls->ders.max = ROLE_CRL_BYTES_MAX;
                crls->next = p->crls;
                p->crls = crls;
        }

        r = buf_append(&crls->ders, m.part.data, m.part.size);
        crls->finished = m.last;
        return r == -EMSGSIZE ? POLICY_E_MALFORMED : r;
}

/* Return: 0; 1 when one cannot be used */
static int add_crls(Span ders, X509_STORE *store) {
        const uint8_t *p = ders.data, *end = ders.data + ders.size;

        while (p < end) {
                _cleanup_(X509_CRL_freep) X509_CRL *crl = d2i_X509_CRL(NULL, &p, end - p);

                if (!crl || X509_STORE_add_crl(store, crl) != 1) {
                        ERR_clear_error();
                        return 1;
                }
        }

        return 0;
}

static X509_STORE *store_with_crls(const CaSet *set, const Crls *crls) {
        _cleanup_(X509_STORE_freep) X509_STORE *store = X509_STORE_new();
        _cleanup_(x509_stack_freep) STACK_OF(X509) *certificates = X509_STORE_get1_all_certs(set->store);

        if (!store || !certificates || add_crls(buf_span(&crls->ders), store) != 0)
                return NULL;
        for (int i = 0; i < sk_X509_num(certificates); i++)
                if (X509_STORE_add_cert(store, sk_X509_value(certificates, i)) != 1)
                        return NULL;

        return TAKE_PTR(store);
}

/* profiles */

static void choose_store(const Policy *p, Profile *profile) {
        const Crls *crls = find_crls(p, profile->m.name);
        CaSet *set = find_set(p, profile->m.ca_set);

        if (!set || !set->finished)
                return;

        profile->has_crls = crls;
        if (crls)
                profile->store = crls->finished ? store_with_crls(set, crls) : NULL;
        else if (X509_STORE_up_ref(set->store) == 1)
                profile->store = set->store;

        if (!profile->store)
                log_message(PRIORITY_ERROR, "The CRLs of profile %.*s cannot be used: nothing is signed for it", (int) profile->m.name.size,
                            (const char *) profile->m.name.data);
}

static int choose_leaf(Profile *profile) {
        Span chain = profile->m.chain, der;
        Leaf *leaf;
        X509 *x;

        if (profile->m.state == PROTO_STATE_UNAVAILABLE || profile->m.generation == 0 || !msg_certificates_next(&chain, &der))
                return 0;

        x = decode_certificate(der);
        if (!x) {
                log_message(PRIORITY_ERROR, "The certificate of profile %.*s cannot be decoded: nothing is signed for it", (int) profile->m.name.size,
                            (const char *) profile->m.name.data);
                return 0;
        }

        leaf = calloc(1, sizeof(*leaf));
        if (!leaf) {
                X509_free(x);
                return -ENOMEM;
        }

        leaf->generation = profile->m.generation;
        leaf->not_before = (int64_t) profile->m.not_before;
        leaf->not_after = (int64_t) profile->m.not_after;
        leaf->forget_usec = USEC_INFINITY;
        leaf->certificate = x;
        profile->leaves = leaf;
        return 0;
}

int policy_add_profile(Policy *p, Span record) {
        _cleanup_(profile_freep) Profile *profile = NULL;
        int r;

        profile = calloc(1, sizeof(*profile));
        if (!profile)
                return -ENOMEM;

        profile->record.max = record.size;
        r = buf_append(&profile->record, record.data, record.size);
        if (r < 0)
                return r;
        if (msg_profile_decode(body_of(buf_span(&profile->record)), &profile->m) != 0 || policy_find_profile(p, profile->m.name))
                return POLICY_E_MALFORMED;

        choose_store(p, profile);
        r = choose_leaf(profile);
        if (r < 0)
                return r;

        profile->next = p->profiles;
        p->profiles = TAKE_PTR(profile);
        return 0;
}

/* connections */

int policy_add_connection(Policy *p, Span record) {
        Connection *connection;
        MsgConnection m;

        if (msg_connection_decode(body_of(record), &m) != 0 || policy_find_connection(p, m.alias))
                return POLICY_E_MALFORMED;

        connection = calloc(1, sizeof(*connection));
        if (!connection)
                return -ENOMEM;

        memcpy(connection->alias, m.alias.data, m.alias.size);
        memcpy(connection->profile, m.profile.data, m.profile.size);
        memcpy(connection->host, m.host.data, m.host.size);
        connection->port = m.port;
        connection->state = m.state;
        connection->next = p->connections;
        p->connections = connection;
        return 0;
}

/* the end */

/* Adds what handshakes under way may still end with. Return: 0 or -ENOMEM */
static int keep_leaves(Profile *profile, const Profile *last, uint64_t now) {
        Leaf **end = &profile->leaves;
        size_t n = 0;

        while (*end)
                end = &(*end)->next;

        for (const Leaf *i = last->leaves; i && n < POLICY_OLD_LEAVES_MAX; i = i->next) {
                Leaf *leaf;

                if (i->forget_usec <= now || i->generation == profile->m.generation)
                        continue;

                leaf = calloc(1, sizeof(*leaf));
                if (!leaf)
                        return -ENOMEM;

                *leaf = *i;
                leaf->next = NULL;
                leaf->forget_usec = MIN_OF(i->forget_usec, now + ROLE_OLD_GENERATION_USEC);
                X509_up_ref(leaf->certificate);
                *end = leaf;
                end = &leaf->next;
                n++;
        }

        return 0;
}

int policy_finish(Policy *p, const Policy *last, uint64_t now) {
        for (const CaSet *i = p->sets; i; i = i->next)
                if (!i->finished)
                        return POLICY_E_MALFORMED;

        for (Profile *i = p->profiles; last && i; i = i->next) {
                const Profile *former = policy_find_profile(last, i->m.name);
                int r;

                r = former ? keep_leaves(i, former, now) : 0;
                if (r < 0)
                        return r;
        }

        /* What they were made into is in the profiles. */
        crls_free(p->crls);
        p->crls = NULL;
        return 0;
}
