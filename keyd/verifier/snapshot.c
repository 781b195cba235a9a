/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/snapshot.h"

int snapshot_new(Snapshot **ret) {
        Snapshot *s;

        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;

        s->n_refs = 1;
        *ret = s;
        return 0;
}

Snapshot *snapshot_ref(Snapshot *s) {
        s->n_refs++;
        return s;
}

Snapshot *snapshot_unref(Snapshot *s) {
        if (!s || --s->n_refs > 0)
                return NULL;

        while (s->first) {
                SnapshotRecord *record = s->first;

                s->first = record->next;
                buf_done(&record->bytes);
                free(record);
        }
        free(s);
        return NULL;
}

int snapshot_add(Snapshot *s, Span record) {
        SnapshotRecord *new;
        int r;

        if (s->n_records >= SNAPSHOT_RECORDS_MAX || record.size > SNAPSHOT_BYTES_MAX - s->n_bytes)
                return -E2BIG;

        new = calloc(1, sizeof(*new));
        if (!new)
                return -ENOMEM;

        new->bytes.max = record.size;
        r = buf_append(&new->bytes, record.data, record.size);
        if (r < 0) {
                free(new);
                return r;
        }

        if (s->last)
                s->last->next = new;
        else
                s->first = new;
        s->last = new;
        s->n_records++;
        s->n_bytes += record.size;
        return 0;
}
