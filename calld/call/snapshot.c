/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/snapshot.h"

struct Snapshot {
        const Directory *current; /* borrowed */
        Directory next;
        CaCertificates **sets;
        size_t n_sets;
        CaCertificates *unfinished; /* borrowed from sets: its last part has not come */
};

static int copy_record(Span body, size_t max, Buf *ret) {
        *ret = (Buf) BUF_INIT(max);
        return buf_append(ret, body.data, body.size);
}

/* Adds a pointer to an array that has room for more. Return: 0, SNAPSHOT_E_INVALID, -ENOMEM */
static int array_add(void ***array, size_t *n, void *item) {
        void **bigger;

        if (*n >= SNAPSHOT_ENTRIES_MAX)
                return SNAPSHOT_E_INVALID;

        /* grows by sixteens */
        if (*n % 16 == 0) {
                bigger = calloc(*n + 16, sizeof(void *));
                if (!bigger)
                        return -ENOMEM;
                if (*n > 0)
                        memcpy(bigger, *array, *n * sizeof(void *));
                free(*array);
                *array = bigger;
        }
        (*array)[(*n)++] = item;
        return 0;
}

int snapshot_new(const Directory *current, Span body, Snapshot **ret) {
        _cleanup_(snapshot_freep) Snapshot *s = NULL;
        int r;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->current = current;
        r = copy_record(body, PROTO_RECORD_MAX, &s->next.record);
        if (r < 0)
                return r;
        if (msg_snapshot_decode(buf_span(&s->next.record), &s->next.limits) != 0)
                return SNAPSHOT_E_INVALID;

        s->next.revision = s->next.limits.revision;
        *ret = TAKE_PTR(s);
        return 0;
}

Snapshot *snapshot_free(Snapshot *s) {
        if (!s)
                return NULL;

        for (size_t i = 0; i < s->n_sets; i++)
                ca_certificates_unref(s->sets[i]);
        free(s->sets);
        directory_done(&s->next);
        free(s);
        return NULL;
}

static CaCertificates *find_set(CaCertificates *const *sets, size_t n_sets, const uint8_t *id) {
        for (size_t i = 0; i < n_sets; i++)
                if (memcmp(sets[i]->id, id, PROTO_SET_ID_SIZE) == 0)
                        return sets[i];
        return NULL;
}

static int take_certificates(Snapshot *s, Span body) {
        _cleanup_(ca_certificates_unrefp) CaCertificates *set = NULL;
        MsgCertificates m;
        int r;

        if (msg_certificates_decode(body, &m) != 0)
                return SNAPSHOT_E_INVALID;

        if (!s->unfinished) {
                if (find_set(s->sets, s->n_sets, m.set_id))
                        return SNAPSHOT_E_INVALID;

                set = calloc(1, sizeof(*set));
                if (!set)
                        return -ENOMEM;
                set->n_ref = 1;
                set->ders = (Buf) BUF_INIT(SNAPSHOT_CA_BYTES_MAX);
                memcpy(set->id, m.set_id, sizeof(set->id));

                r = array_add((void ***) &s->sets, &s->n_sets, set);
                if (r != 0)
                        return r;
                s->unfinished = TAKE_PTR(set);
        }

        if (memcmp(s->unfinished->id, m.set_id, PROTO_SET_ID_SIZE) != 0)
                return SNAPSHOT_E_INVALID;

        r = buf_append(&s->unfinished->ders, m.certificates.data, m.certificates.size);
        if (r < 0)
                return r == -EMSGSIZE ? SNAPSHOT_E_INVALID : r;
        if (m.last)
                s->unfinished = NULL;
        return 0;
}

static bool same_set(const CaCertificates *a, const CaCertificates *b) {
        if (!a || !b)
                return a == b;
        return a == b || span_equal(buf_span(&a->ders), buf_span(&b->ders));
}

static Profile *find_profile(const Directory *d, Span name) {
        for (size_t i = 0; i < d->n_profiles; i++)
                if (span_equal(d->profiles[i]->m.name, name))
                        return d->profiles[i];
        return NULL;
}

/* The profile that the current directory has, if it says the same; else @p. */
static Profile *share_profile(const Snapshot *s, Profile *p) {
        Profile *old = find_profile(s->current, p->m.name);

        if (old && span_equal(buf_span(&old->record), buf_span(&p->record)) && same_set(old->ca, p->ca))
                return old;
        return p;
}

static int take_profile(Snapshot *s, Span body) {
        _cleanup_(profile_unrefp) Profile *p = NULL, *shared = NULL;
        int r;

        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        p->n_ref = 1;

        r = copy_record(body, PROTO_RECORD_MAX, &p->record);
        if (r < 0)
                return r;
        if (msg_profile_decode(buf_span(&p->record), &p->m) != 0 || find_profile(&s->next, p->m.name))
                return SNAPSHOT_E_INVALID;

        if (p->m.state == PROTO_STATE_READY) {
                p->ca = ca_certificates_ref(find_set(s->sets, s->n_sets, p->m.ca_set));
                if (!p->ca || s->unfinished || p->m.chain.size == 0)
                        return SNAPSHOT_E_INVALID;
        }

        shared = profile_ref(share_profile(s, p));
        r = array_add((void ***) &s->next.profiles, &s->next.n_profiles, shared);
        if (r != 0)
                return r;
        shared = NULL;
        return 0;
}

/* The connection that the current directory has, if nothing about it has changed; else @c. */
static Connection *share_connection(const Snapshot *s, Connection *c) {
        Connection *old = directory_find(s->current, c->m.alias);

        if (old && old->profile == c->profile && span_equal(buf_span(&old->record), buf_span(&c->record)))
                return old;
        return c;
}

static int take_connection(Snapshot *s, Span body) {
        _cleanup_(connection_unrefp) Connection *c = NULL, *shared = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->n_ref = 1;

        r = copy_record(body, PROTO_RECORD_MAX, &c->record);
        if (r < 0)
                return r;
        if (msg_connection_decode(buf_span(&c->record), &c->m) != 0)
                return SNAPSHOT_E_INVALID;

        c->profile = profile_ref(find_profile(&s->next, c->m.profile));
        if (!c->profile && c->m.state == PROTO_STATE_READY)
                return SNAPSHOT_E_INVALID;

        shared = connection_ref(share_connection(s, c));
        r = array_add((void ***) &s->next.connections, &s->next.n_connections, shared);
        if (r != 0)
                return r;
        shared = NULL;
        return 0;
}

int snapshot_take(Snapshot *s, uint8_t type, Span body) {
        if (type == MSG_CERTIFICATES)
                return take_certificates(s, body);
        if (type == MSG_PROFILE)
                return take_profile(s, body);
        if (type == MSG_CONNECTION)
                return take_connection(s, body);
        return SNAPSHOT_E_INVALID;
}

static int compare_connections(const void *a, const void *b) {
        Connection *const *x = a, *const *y = b;

        return directory_compare_names((*x)->m.alias, (*y)->m.alias);
}

static int compare_profiles(const void *a, const void *b) {
        Profile *const *x = a, *const *y = b;

        return directory_compare_names((*x)->m.name, (*y)->m.name);
}

/* What calls still use, although the directory has it no longer. */
static void note_draining(const Directory *former, const Directory *d) {
        for (size_t i = 0; d->n_draining && i < former->n_connections; i++) {
                Connection *c = former->connections[i];

                if (c->n_ref == 1 || c->n_draining || directory_find(d, c->m.alias) == c)
                        continue;
                c->n_draining = d->n_draining;
                (*d->n_draining)++;
        }
}

int snapshot_finish(Snapshot *s, Directory *d) {
        Directory *n = &s->next;
        Directory former;

        ASSERT(d == s->current);
        if (s->unfinished)
                return SNAPSHOT_E_INVALID;

        if (n->n_connections > 0)
                qsort(n->connections, n->n_connections, sizeof(*n->connections), compare_connections);
        if (n->n_profiles > 0)
                qsort(n->profiles, n->n_profiles, sizeof(*n->profiles), compare_profiles);
        for (size_t i = 1; i < n->n_connections; i++)
                if (compare_connections(&n->connections[i - 1], &n->connections[i]) == 0)
                        return SNAPSHOT_E_INVALID;

        n->n_changes = d->n_changes + 1;
        former = *d;
        *d = *n;
        *n = (Directory) {};
        d->n_draining = former.n_draining;
        note_draining(&former, d);
        directory_done(&former);
        return 0;
}
