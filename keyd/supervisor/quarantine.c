/* SPDX-License-Identifier: Apache-2.0 */

/* Profiles whose files take long to read, or made a loader fail: the others do not wait for them */

#include <string.h>

#include "common/generations.h"
#include "common/msg-quarantine.h"
#include "keyd/supervisor/supervisor-internal.h"

#define QUARANTINE_MAX GENERATIONS_MAX /* as many as there can be profiles */

Quarantined *quarantine_find(const Supervisor *s, const char *profile) {
        for (Quarantined *q = s->quarantine; q; q = q->next)
                if (strcmp(q->profile, profile) == 0)
                        return q;

        return NULL;
}

/* Behind those that are there, so that each has its turn. */
int quarantine_put(Supervisor *s, const char *profile, Quarantined **ret) {
        Quarantined *q = quarantine_find(s, profile), **link = &s->quarantine;

        if (q) {
                *ret = q;
                return 0;
        }
        if (s->n_quarantined >= QUARANTINE_MAX)
                return -E2BIG;

        q = calloc(1, sizeof(*q));
        if (!q)
                return -ENOMEM;
        snprintf(q->profile, sizeof(q->profile), "%s", profile);
        while (*link)
                link = &(*link)->next;
        *link = *ret = q;
        s->n_quarantined++;
        return 0;
}

void quarantine_release(Supervisor *s, Quarantined *q) {
        Quarantined **link = &s->quarantine;

        while (*link != q)
                link = &(*link)->next;
        *link = q->next;
        s->n_quarantined--;
        free(q);
}

void quarantine_set_due(Supervisor *s, bool due) {
        for (Quarantined *q = s->quarantine; q; q = q->next)
                q->due = due;
}

void quarantine_forget_dry(Supervisor *s) {
        for (Quarantined *q = s->quarantine; q; q = q->next)
                q->failed_dry = false;
}

Quarantined *quarantine_next(const Supervisor *s) {
        for (Quarantined *q = s->quarantine; q; q = q->next)
                if (q->due)
                        return q;

        return NULL;
}

static int add(RecordList *list, const Quarantined *q, bool dry_run) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgQuarantine m = {
                .profile = span_from_string(q->profile),
                .put_off = !dry_run && (q->due || !q->failed),
                .sentence = span_from_string(q->sentence),
                .hint = span_from_string(q->hint),
        };
        int r;

        r = msg_quarantine_encode(&record, &m);
        return r < 0 ? r : record_list_add(list, buf_span(&record));
}

int quarantine_list(const Supervisor *s, const char *patient, bool dry_run, RecordList **ret) {
        _cleanup_(record_list_unrefp) RecordList *list = NULL;
        int r;

        r = record_list_new(QUARANTINE_MAX, ROLE_SNAPSHOT_BYTES_MAX, &list);
        for (const Quarantined *q = s->quarantine; q && r >= 0; q = q->next)
                if (dry_run ? q->failed_dry : strcmp(q->profile, patient) != 0)
                        r = add(list, q, dry_run);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(list);
        return 0;
}

void quarantine_done(Supervisor *s) {
        while (s->quarantine)
                quarantine_release(s, s->quarantine);
}
