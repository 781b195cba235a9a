/* SPDX-License-Identifier: Apache-2.0 */

#include "common/record-list.h"

#define ALLOCATED_MIN 64U

typedef struct Record {
        uint8_t *data;
        size_t size;
} Record;

struct RecordList {
        unsigned n_references;
        Record *items;
        size_t n_items, n_allocated, n_max;
        size_t n_bytes, n_bytes_max;
};

int record_list_new(size_t n_records_max, size_t n_bytes_max, RecordList **ret) {
        RecordList *l = calloc(1, sizeof(*l));

        if (!l)
                return -ENOMEM;

        l->n_references = 1;
        l->n_max = n_records_max;
        l->n_bytes_max = n_bytes_max;
        *ret = l;
        return 0;
}

RecordList *record_list_ref(RecordList *l) {
        ASSERT(l->n_references > 0);
        l->n_references++;
        return l;
}

RecordList *record_list_unref(RecordList *l) {
        if (!l || --l->n_references > 0)
                return NULL;

        /* Connections hold the passwords of proxies. */
        for (size_t i = 0; i < l->n_items; i++) {
                explicit_bzero(l->items[i].data, l->items[i].size);
                free(l->items[i].data);
        }
        free(l->items);
        free(l);
        return NULL;
}

static int grow(RecordList *l) {
        size_t n = MIN_OF(l->n_allocated > 0 ? l->n_allocated * 2 : ALLOCATED_MIN, l->n_max);
        Record *items;

        if (l->n_items < l->n_allocated)
                return 0;

        items = calloc(n, sizeof(*items));
        if (!items)
                return -ENOMEM;
        if (l->n_items > 0)
                memcpy(items, l->items, l->n_items * sizeof(*items));

        free(l->items);
        l->items = items;
        l->n_allocated = n;
        return 0;
}

int record_list_add(RecordList *l, Span record) {
        uint8_t *copy;
        int r;

        if (l->n_items >= l->n_max || record.size > l->n_bytes_max - l->n_bytes)
                return -E2BIG;

        r = grow(l);
        if (r < 0)
                return r;
        copy = malloc(record.size + 1);
        if (!copy)
                return -ENOMEM;
        if (record.size > 0)
                memcpy(copy, record.data, record.size);

        l->items[l->n_items++] = (Record) {.data = copy, .size = record.size};
        l->n_bytes += record.size;
        return 0;
}

size_t record_list_count(const RecordList *l) {
        return l ? l->n_items : 0;
}

Span record_list_get(const RecordList *l, size_t i) {
        ASSERT(i < l->n_items);
        return span_make(l->items[i].data, l->items[i].size);
}
