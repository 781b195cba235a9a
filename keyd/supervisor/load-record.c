/* SPDX-License-Identifier: Apache-2.0 */

/* The boundary to the loader: what it may say, and when. The loader has parsed keystores; nothing it says is believed unseen. */

#include <string.h>

#include "common/msg-admin.h"
#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-hello.h"
#include "common/msg-keep.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-quarantine.h"
#include "common/msg-snapshot.h"
#include "common/role.h"
#include "keyd/supervisor/supervisor-internal.h"

#define REVISION_OFFSET 1U /* in SNAPSHOT: behind its type */
#define REVISION_SIZE 8U

static int check_snapshot(LoadRecords *r, Span body) {
        MsgSnapshot m;

        if (msg_snapshot_decode(body, &m) != 0 || m.revision != r->revision)
                return LOAD_RECORD_E_VIOLATION;

        r->idle_exit_usec = m.idle_exit_usec;
        return 0;
}

static int check_certificates(LoadRecords *r _unused_, Span body) {
        MsgCertificates m;

        return msg_certificates_decode(body, &m) == 0 ? 0 : LOAD_RECORD_E_VIOLATION;
}

static int check_crl(LoadRecords *r _unused_, Span body) {
        MsgCrl m;

        return msg_crl_decode(body, &m) == 0 ? 0 : LOAD_RECORD_E_VIOLATION;
}

static void note_date(LoadRecords *r, uint64_t date) {
        if (date > r->realtime)
                r->next_date = MIN_OF(r->next_date, date);
}

static int check_profile(LoadRecords *r, Span body) {
        MsgProfile m;

        if (msg_profile_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;

        /* Each change is one step: a loader that has been taken over cannot use the numbers up. */
        if (m.generation > 0 && m.generation - 1 > generations_last(r->known, m.name))
                return LOAD_RECORD_E_VIOLATION;

        r->counts.n_profiles++;
        r->counts.n_unavailable += m.state != PROTO_STATE_READY;
        if (m.generation > 0) {
                note_date(r, m.not_before);
                /* RFC 5280, 4.1.2.5: valid up to and including notAfter */
                note_date(r, m.not_after + 1);
        }
        return 0;
}

static int check_connection(LoadRecords *r, Span body) {
        MsgConnection m;

        if (msg_connection_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;

        r->counts.n_connections++;
        r->counts.n_unavailable += m.state != PROTO_STATE_READY;
        return 0;
}

static int check_end(LoadRecords *r _unused_, Span body) {
        return msg_empty_decode(body) == 0 ? 0 : LOAD_RECORD_E_VIOLATION;
}

static int check_watch(LoadRecords *r _unused_, Span body) {
        MsgWatch m;

        return msg_watch_decode(body, &m) == 0 ? LOAD_RECORD_E_WATCH : LOAD_RECORD_E_VIOLATION;
}

static int check_fetcher(LoadRecords *r, Span body) {
        MsgFetcher m;

        if (msg_fetcher_decode(body, &m) != 0 || r->has_fetcher[m.store])
                return LOAD_RECORD_E_VIOLATION;

        r->has_fetcher[m.store] = true;
        r->is_fetched[m.store] = m.whole;
        r->store = (RoleStore) m.store;
        r->store_by_program = m.program;
        return LOAD_RECORD_E_FETCHER;
}

static int check_retry(LoadRecords *r, Span body) {
        MsgRetry m;

        if (msg_retry_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;

        r->wants_retry = true;
        r->retry_after_sec = m.after_sec;
        return 0;
}

static int check_refresh(LoadRecords *r, Span body) {
        MsgRefresh m;

        if (msg_refresh_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;

        r->refresh_sec = m.within_sec;
        return 0;
}

static int check_keep(LoadRecords *r, Span body) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgKeep m;
        int k;

        if (r->keep_is_whole || msg_keep_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;
        if (!r->keep) {
                k = record_list_new(KEEP_PROFILES_MAX, ROLE_SNAPSHOT_BYTES_MAX, &r->keep);
                if (k < 0)
                        return k;
        }
        r->keep_is_whole = m.profile.size == 0;
        if (r->keep_is_whole)
                return 0;

        k = msg_keep_encode(&record, &m);
        if (k >= 0)
                k = record_list_add(r->keep, buf_span(&record));
        return k == -E2BIG ? LOAD_RECORD_E_VIOLATION : k;
}

static int check_report(LoadRecords *r, Span body) {
        MsgAdminReport m;

        if (msg_admin_report_decode(body, &m) != 0)
                return LOAD_RECORD_E_VIOLATION;

        if (r->only && !span_is(m.profile, r->only))
                return 0;
        r->n_failed += admin_what_is_failure(m.what);
        return LOAD_RECORD_E_REPORT;
}

static int check_progress(LoadRecords *r _unused_, Span body) {
        MsgProgress m;

        return msg_progress_decode(body, &m) == 0 ? LOAD_RECORD_E_PROGRESS : LOAD_RECORD_E_VIOLATION;
}

typedef struct RecordRow {
        uint8_t type;
        LoadStage from, to; /* the stages in which it may come */
        LoadStage next;     /* the stage that it makes; LOAD_STAGE_BEGIN: the same as before */
        bool kept;          /* belongs to the snapshot */
        int (*check)(LoadRecords *r, Span body);
} RecordRow;

/* clang-format off */
static const RecordRow rows[] = {
        /*                from                     to                       next                     kept */
        {MSG_SNAPSHOT,     LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        LOAD_STAGE_SNAPSHOT,     true,  check_snapshot},
        {MSG_CERTIFICATES, LOAD_STAGE_SNAPSHOT,     LOAD_STAGE_CERTIFICATES, LOAD_STAGE_CERTIFICATES, true,  check_certificates},
        {ROLE_CRL,         LOAD_STAGE_SNAPSHOT,     LOAD_STAGE_CRL,          LOAD_STAGE_CRL,          true,  check_crl},
        {MSG_PROFILE,      LOAD_STAGE_SNAPSHOT,     LOAD_STAGE_PROFILE,      LOAD_STAGE_PROFILE,      true,  check_profile},
        {MSG_CONNECTION,   LOAD_STAGE_SNAPSHOT,     LOAD_STAGE_CONNECTION,   LOAD_STAGE_CONNECTION,   true,  check_connection},
        {MSG_SNAPSHOT_END, LOAD_STAGE_SNAPSHOT,     LOAD_STAGE_CONNECTION,   LOAD_STAGE_END,          true,  check_end},
        {ROLE_WATCH,       LOAD_STAGE_BEGIN,        LOAD_STAGE_CONNECTION,   LOAD_STAGE_BEGIN,        false, check_watch},
        {ROLE_FETCHER,     LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        false, check_fetcher},
        {ROLE_RETRY,       LOAD_STAGE_BEGIN,        LOAD_STAGE_CONNECTION,   LOAD_STAGE_BEGIN,        false, check_retry},
        {ROLE_REFRESH,     LOAD_STAGE_BEGIN,        LOAD_STAGE_CONNECTION,   LOAD_STAGE_BEGIN,        false, check_refresh},
        {ROLE_KEEP,        LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        false, check_keep},
        {ROLE_PROGRESS,    LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        LOAD_STAGE_BEGIN,        false, check_progress},
        {ADMIN_REPORT,     LOAD_STAGE_BEGIN,        LOAD_STAGE_CONNECTION,   LOAD_STAGE_BEGIN,        false, check_report},
};
/* clang-format on */

int load_records_init(LoadRecords *r, uint64_t revision, uint64_t realtime, const Generations *known) {
        *r = (LoadRecords) {.revision = revision, .known = known, .realtime = realtime, .next_date = UINT64_MAX};

        return record_list_new(ROLE_SNAPSHOT_RECORDS_MAX, ROLE_SNAPSHOT_BYTES_MAX, &r->list);
}

void load_records_done(LoadRecords *r) {
        r->list = record_list_unref(r->list);
        r->keep = record_list_unref(r->keep);
}

static const RecordRow *find(uint8_t type) {
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                if (rows[i].type == type)
                        return &rows[i];

        return NULL;
}

int load_records_take(LoadRecords *r, Span record) {
        const RecordRow *row;
        uint8_t type;
        Span body;
        int k;

        if (msg_split(record, &type, &body) != 0)
                return LOAD_RECORD_E_VIOLATION;
        row = find(type);
        if (!row || r->stage < row->from || r->stage > row->to)
                return LOAD_RECORD_E_VIOLATION;

        if (!row->kept && r->n_extra++ >= ROLE_EXTRA_RECORDS_MAX)
                return LOAD_RECORD_E_VIOLATION;

        k = row->check(r, body);
        if (k != 0)
                return k;

        if (row->next != LOAD_STAGE_BEGIN)
                r->stage = row->next;
        if (!row->kept)
                return 0;
        k = record_list_add(r->list, record);
        return k == -E2BIG ? LOAD_RECORD_E_VIOLATION : k;
}

int load_records_note_generations(const LoadRecords *r, Generations *ret) {
        for (size_t i = 0; i < record_list_count(r->list); i++) {
                MsgProfile m;
                uint8_t type;
                Span body;
                int k;

                if (msg_split(record_list_get(r->list, i), &type, &body) != 0 || type != MSG_PROFILE || msg_profile_decode(body, &m) != 0 ||
                    m.generation == 0)
                        continue;
                k = generations_note(ret, m.name, m.generation);
                if (k < 0)
                        return k;
        }
        return 0;
}

/* SNAPSHOT without its revision */
static bool same_opening(Span a, Span b) {
        size_t skip = REVISION_OFFSET + REVISION_SIZE;

        return a.size == b.size && a.size >= skip && span_equal(span_make(a.data + skip, a.size - skip), span_make(b.data + skip, b.size - skip));
}

bool load_records_same(const RecordList *a, const RecordList *b) {
        size_t n = record_list_count(a);

        if (n == 0 || n != record_list_count(b) || !same_opening(record_list_get(a, 0), record_list_get(b, 0)))
                return false;

        for (size_t i = 1; i < n; i++)
                if (!span_equal(record_list_get(a, i), record_list_get(b, i)))
                        return false;

        return true;
}
