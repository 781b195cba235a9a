/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/reconcile.h"

#include <search.h>
#include <string.h>

/* What is known of one call's id and does not add up yet. */
typedef struct Entry {
        char *call_id, *alias, *destination;
        uint64_t first_usec; /* the first signature, or the call's beginning */
        uint64_t n_recorded; /* by keyd */
        uint64_t n_counted;  /* by calld */
        uint64_t n_unanswered;
        bool has_call, differs;
} Entry;

struct Reconcile {
        uint64_t since_usec, until_usec;
        void *entries; /* a tree, by call_id */
        Gap *gaps;
        size_t n_gaps, n_allocated;
        bool no_memory;
};

static int copy(const char *s, char **ret) {
        *ret = s ? strdup(s) : NULL;
        return s && !*ret ? -ENOMEM : 0;
}

static void entry_free(void *p) {
        Entry *e = p;

        if (!e)
                return;
        free(e->call_id);
        free(e->alias);
        free(e->destination);
        free(e);
}

static int entry_compare(const void *a, const void *b) {
        const Entry *x = a, *y = b;

        return strcmp(x->call_id, y->call_id);
}

int reconcile_new(uint64_t since_usec, uint64_t until_usec, Reconcile **ret) {
        Reconcile *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;
        c->since_usec = since_usec;
        c->until_usec = until_usec;
        *ret = c;
        return 0;
}

Reconcile *reconcile_free(Reconcile *c) {
        if (!c)
                return NULL;

        tdestroy(c->entries, entry_free);
        for (size_t i = 0; i < c->n_gaps; i++) {
                free(c->gaps[i].call_id);
                free(c->gaps[i].alias);
                free(c->gaps[i].destination);
        }
        free(c->gaps);
        free(c);
        return NULL;
}

static bool is_judged(const Reconcile *c, uint64_t usec) {
        return usec >= c->since_usec && usec <= c->until_usec;
}

static int grow(Reconcile *c) {
        size_t n = c->n_allocated ? c->n_allocated * 2 : 16;
        Gap *gaps;

        if (c->n_gaps < c->n_allocated)
                return 0;

        gaps = calloc(n, sizeof(*gaps));
        if (!gaps)
                return -ENOMEM;
        if (c->n_gaps > 0)
                memcpy(gaps, c->gaps, c->n_gaps * sizeof(*gaps));
        free(c->gaps);
        c->gaps = gaps;
        c->n_allocated = n;
        return 0;
}

static int add_gap(Reconcile *c, GapKind kind, const Entry *e) {
        Gap *g;

        if (grow(c) < 0)
                return -ENOMEM;

        g = &c->gaps[c->n_gaps++];
        *g = (Gap) {.kind = kind, .usec = e->first_usec, .n_recorded = e->n_recorded, .n_counted = e->n_counted};
        return copy(e->call_id, &g->call_id) < 0 || copy(e->alias, &g->alias) < 0 || copy(e->destination, &g->destination) < 0 ? -ENOMEM : 0;
}

static bool is_settled(const Entry *e) {
        return e->has_call && !e->differs && e->n_unanswered == 0 && e->n_recorded == e->n_counted;
}

/* Whether what is known cannot be told from what is right. */
static bool agrees(const Entry *e) {
        return e->has_call && e->n_recorded >= e->n_counted && e->n_recorded <= e->n_counted + e->n_unanswered;
}

static int entry_get(Reconcile *c, const json_t *record, uint64_t usec, Entry **ret) {
        Entry key = {.call_id = (char *) json_text(record, "MIDTLS_CALL_ID")}, *e;
        Entry **found = tfind(&key, &c->entries, entry_compare);

        if (found) {
                *ret = *found;
                (*ret)->first_usec = MIN_OF((*ret)->first_usec, usec);
                return 0;
        }

        e = calloc(1, sizeof(*e));
        if (!e)
                return -ENOMEM;
        e->first_usec = usec;
        if (copy(key.call_id, &e->call_id) < 0 || copy(json_text(record, "MIDTLS_ALIAS"), &e->alias) < 0 ||
            copy(json_text(record, "MIDTLS_DESTINATION"), &e->destination) < 0 || !tsearch(e, &c->entries, entry_compare)) {
                entry_free(e);
                return -ENOMEM;
        }

        *ret = e;
        return 0;
}

static void entry_drop(Reconcile *c, Entry *e) {
        tdelete(e, &c->entries, entry_compare);
        entry_free(e);
}

static bool same(const char *known, const char *text) {
        return known && text && strcmp(known, text) == 0;
}

/* A taken-over calld could name a call in what it asks keyd to sign for another. */
static void compare(Entry *e, const json_t *record) {
        if (!same(e->alias, json_text(record, "MIDTLS_ALIAS")) || !same(e->destination, json_text(record, "MIDTLS_DESTINATION")))
                e->differs = true;
}

static int add_signature(Reconcile *c, const json_t *record) {
        uint64_t usec = record_usec(record);
        Entry *e;
        int r;

        if (!json_text(record, "MIDTLS_CALL_ID")) {
                Entry unnamed = {.first_usec = usec,
                                 .alias = (char *) json_text(record, "MIDTLS_ALIAS"),
                                 .destination = (char *) json_text(record, "MIDTLS_DESTINATION"),
                                 .n_recorded = 1};

                return is_judged(c, usec) ? add_gap(c, GAP_NO_CALL, &unnamed) : 0;
        }

        r = entry_get(c, record, usec, &e);
        if (r < 0)
                return r;
        compare(e, record);
        e->n_recorded++;
        if (is_settled(e))
                entry_drop(c, e);
        return 0;
}

/* Over a connection that is neither kept nor resumed, nothing goes without a signature. */
static bool call_is_unsigned(const json_t *record) {
        const char *verdict = json_text(record, "MIDTLS_VERDICT");

        return verdict && strcmp(verdict, "ok") == 0 && record_number(record, "MIDTLS_RESUMED") == 0 && record_number(record, "MIDTLS_REUSED") == 0 &&
               record_number(record, "MIDTLS_SIGNATURES") == 0;
}

static int add_call(Reconcile *c, const json_t *record) {
        uint64_t usec = record_usec(record), duration_usec = record_number(record, "MIDTLS_DURATION_USEC");
        Entry *e;
        int r;

        if (!json_text(record, "MIDTLS_CALL_ID"))
                return reconcile_add_invalid(c);

        r = entry_get(c, record, usec > duration_usec ? usec - duration_usec : 0, &e);
        if (r < 0)
                return r;
        if (e->n_recorded > 0)
                compare(e, record);
        e->has_call = true;
        e->n_counted += record_number(record, "MIDTLS_SIGNATURES");
        e->n_unanswered += record_number(record, "MIDTLS_SIGNATURES_UNANSWERED");
        if (call_is_unsigned(record) && is_judged(c, e->first_usec))
                r = add_gap(c, GAP_UNSIGNED, e);
        if (is_settled(e))
                entry_drop(c, e);
        return r;
}

static int add_lost(Reconcile *c, const json_t *record) {
        Entry lost = {.first_usec = record_usec(record),
                      .n_recorded = record_number(record, "MIDTLS_RECORDS_LOST"),
                      .alias = (char *) json_text(record, "SYSLOG_IDENTIFIER")};

        return lost.n_recorded > 0 && is_judged(c, lost.first_usec) ? add_gap(c, GAP_LOST, &lost) : 0;
}

int reconcile_add(Reconcile *c, const json_t *record) {
        const char *event = json_text(record, "MIDTLS_EVENT");
        RecordOrigin origin = record_origin(record);
        int r;

        if (origin == RECORD_FROM_OTHERS)
                return 0;

        r = add_lost(c, record);
        if (r == 0 && event && origin == RECORD_FROM_KEYD && strcmp(event, "signature") == 0)
                r = add_signature(c, record);
        if (r == 0 && event && origin == RECORD_FROM_CALLD && strcmp(event, "call") == 0)
                r = add_call(c, record);
        return r;
}

int reconcile_add_invalid(Reconcile *c) {
        return add_gap(c, GAP_INVALID, &(Entry) {});
}

static void judge(const void *node, VISIT visit, void *userdata) {
        Reconcile *c = userdata;
        const Entry *e = *(const Entry *const *) node;
        GapKind kind = _GAP_MAX;

        if ((visit != postorder && visit != leaf) || !is_judged(c, e->first_usec))
                return;

        if (!e->has_call)
                kind = GAP_NO_CALL;
        else if (e->differs)
                kind = GAP_DIFFERENT;
        else if (!agrees(e))
                kind = e->n_recorded < e->n_counted ? GAP_NO_SIGNATURE : GAP_NOT_COUNTED;
        if (kind != _GAP_MAX && add_gap(c, kind, e) < 0)
                c->no_memory = true;
}

static int gap_compare(const void *a, const void *b) {
        const Gap *x = a, *y = b;

        return x->usec < y->usec ? -1 : x->usec > y->usec;
}

int reconcile_finish(Reconcile *c, const Gap **ret, size_t *ret_n) {
        twalk_r(c->entries, judge, c);
        if (c->no_memory)
                return -ENOMEM;

        if (c->n_gaps > 0)
                qsort(c->gaps, c->n_gaps, sizeof(*c->gaps), gap_compare);
        *ret = c->gaps;
        *ret_n = c->n_gaps;
        return 0;
}
