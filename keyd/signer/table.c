/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Lists: a host has some dozens of each, and whatever could fail has failed before table_take(), which only moves pointers.
 */

#include "keyd/signer/table.h"

#include "common/log.h"

static void holdings_done(Holdings *h) {
        while (h->keys) {
                SigningKey *k = h->keys;

                h->keys = k->next;
                signing_key_free(k);
        }
        while (h->grants) {
                Grant *g = h->grants;

                h->grants = g->next;
                free(g);
        }
        while (h->bindings) {
                Binding *b = h->bindings;

                h->bindings = b->next;
                free(b);
        }
}

void table_done(Table *t) {
        holdings_done(&t->now);
        table_abandon(t);
}

void table_abandon(Table *t) {
        holdings_done(&t->batch);
        t->batch_open = false;
        t->n_batch = 0;
}

void table_begin(Table *t, uint64_t id) {
        table_abandon(t);
        t->batch_id = id;
        t->batch_open = true;
}

/* look-up */

static SigningKey *find_key(SigningKey *list, const char *profile, uint64_t generation) {
        for (SigningKey *k = list; k; k = k->next)
                if (k->generation == generation && strcmp(k->profile, profile) == 0)
                        return k;
        return NULL;
}

static Grant *find_grant(Grant *list, const char *profile) {
        for (Grant *g = list; g; g = g->next)
                if (strcmp(g->profile, profile) == 0)
                        return g;
        return NULL;
}

static Binding *find_binding(Binding *list, Span alias) {
        for (Binding *b = list; b; b = b->next)
                if (span_is(alias, b->alias))
                        return b;
        return NULL;
}

const Binding *table_find_binding(const Table *t, Span alias) {
        return find_binding(t->now.bindings, alias);
}

Grant *table_find_grant(const Table *t, const char *profile) {
        return find_grant(t->now.grants, profile);
}

const SigningKey *table_find_key(const Table *t, const char *profile, uint64_t generation) {
        return find_key(t->now.keys, profile, generation);
}

/* batch */

static bool batch_has_room(Table *t) {
        ASSERT(t->batch_open);

        return t->n_batch < TABLE_RECORDS_MAX && ++t->n_batch > 0;
}

int table_add_key(Table *t, SigningKey *key) {
        _cleanup_(signing_key_freep) SigningKey *k = key;

        if (!batch_has_room(t))
                return TABLE_E_FULL;
        if (find_key(t->batch.keys, k->profile, k->generation))
                return TABLE_E_DUPLICATE;

        k->next = t->batch.keys;
        t->batch.keys = TAKE_PTR(k);
        return 0;
}

int table_add_grant(Table *t, const MsgGrant *m) {
        _cleanup_free_ Grant *g = NULL;

        if (!batch_has_room(t))
                return TABLE_E_FULL;

        g = calloc(1, sizeof(*g));
        if (!g)
                return -ENOMEM;

        memcpy(g->profile, m->profile.data, m->profile.size);
        g->generation = m->generation;
        g->max_signatures_per_minute = m->max_signatures_per_minute;
        g->minimum_tls = m->minimum_tls;
        g->credit = USEC_INFINITY; /* cut to the allowance when it is first used */
        g->n_pins = m->pins.n_items;
        for (size_t i = 0; i < g->n_pins; i++)
                memcpy(g->pins[i], m->pins.items[i].data, PROTO_PIN_SIZE);

        if (find_grant(t->batch.grants, g->profile))
                return TABLE_E_DUPLICATE;

        g->next = t->batch.grants;
        t->batch.grants = TAKE_PTR(g);
        return 0;
}

int table_add_binding(Table *t, const MsgBinding *m) {
        Binding *b;

        if (!batch_has_room(t))
                return TABLE_E_FULL;
        if (find_binding(t->batch.bindings, m->alias))
                return TABLE_E_DUPLICATE;

        b = calloc(1, sizeof(*b));
        if (!b)
                return -ENOMEM;

        memcpy(b->alias, m->alias.data, m->alias.size);
        memcpy(b->profile, m->profile.data, m->profile.size);
        memcpy(b->destination, m->destination.data, m->destination.size);

        b->next = t->batch.bindings;
        t->batch.bindings = b;
        return 0;
}

/* taking */

/* The new keys stand before the old ones; an old one that came again goes. */
static void take_keys(Table *t) {
        for (SigningKey **p = &t->now.keys; *p;) {
                SigningKey *k = *p;

                if (find_key(t->batch.keys, k->profile, k->generation)) {
                        *p = k->next;
                        signing_key_free(k);
                } else
                        p = &k->next;
        }

        while (t->batch.keys) {
                SigningKey *k = t->batch.keys;

                t->batch.keys = k->next;
                k->next = t->now.keys;
                t->now.keys = k;
        }
}

/* A load does not give an allowance back that was used. */
static void take_grants(Table *t) {
        for (Grant *g = t->batch.grants; g; g = g->next) {
                const Grant *old = find_grant(t->now.grants, g->profile);

                if (old) {
                        g->credit = old->credit;
                        g->credited_usec = old->credited_usec;
                }
        }
}

/* Says of each key how long it is kept. */
static void date_keys(Table *t, uint64_t now) {
        for (SigningKey *k = t->now.keys; k; k = k->next) {
                const Grant *g = find_grant(t->now.grants, k->profile);

                if (!g)
                        k->forget_usec = 0;
                else if (g->generation == k->generation)
                        k->forget_usec = USEC_INFINITY;
                else if (k->forget_usec == USEC_INFINITY)
                        k->forget_usec = now + ROLE_OLD_GENERATION_USEC;
        }
}

uint32_t table_take(Table *t, uint64_t now) {
        uint32_t n_missing = 0;
        Holdings old;

        ASSERT(t->batch_open);

        take_keys(t);
        take_grants(t);

        old = (Holdings) {.grants = t->now.grants, .bindings = t->now.bindings};
        t->now.grants = t->batch.grants;
        t->now.bindings = t->batch.bindings;
        t->batch = old;
        table_abandon(t);

        date_keys(t, now);
        table_expire(t, now);

        for (const Grant *g = t->now.grants; g; g = g->next)
                n_missing += !find_key(t->now.keys, g->profile, g->generation);
        return n_missing;
}

uint64_t table_expire(Table *t, uint64_t now) {
        uint64_t next = USEC_INFINITY;

        for (SigningKey **p = &t->now.keys; *p;) {
                SigningKey *k = *p;

                if (k->forget_usec > now) {
                        next = MIN_OF(next, k->forget_usec);
                        p = &k->next;
                        continue;
                }

                log_message(PRIORITY_INFO, "The key of %s, generation %llu, is wiped", k->profile, (unsigned long long) k->generation);
                *p = k->next;
                signing_key_free(k);
        }

        return next;
}

/* grants */

bool grant_charge(Grant *g, uint64_t now) {
        uint64_t max = g->max_signatures_per_minute * USEC_PER_MINUTE;
        uint64_t elapsed = MIN_OF(now - g->credited_usec, USEC_PER_MINUTE);

        /* What is earned in a minute is all that can be saved up: below 2^32 * 6 * 10^7, so nothing overflows. */
        g->credit = MIN_OF(MIN_OF(g->credit, max) + elapsed * g->max_signatures_per_minute, max);
        g->credited_usec = now;
        if (g->credit < USEC_PER_MINUTE)
                return false;

        g->credit -= USEC_PER_MINUTE;
        return true;
}

bool grant_allows_server(const Grant *g, const uint8_t spki_sha256[static PROTO_PIN_SIZE]) {
        for (size_t i = 0; i < g->n_pins; i++)
                if (span_equal(span_make(g->pins[i], PROTO_PIN_SIZE), span_make(spki_sha256, PROTO_PIN_SIZE)))
                        return true;

        return g->n_pins == 0;
}
