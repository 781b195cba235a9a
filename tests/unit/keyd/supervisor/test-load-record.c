/* SPDX-License-Identifier: Apache-2.0 */

/* What a loader may say, and when: every stage with every record */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/msg-admin.h"
#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-hello.h"
#include "common/msg-keep.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-quarantine.h"
#include "common/msg-snapshot.h"
#include "keyd/supervisor/supervisor-internal.h"

#define REVISION 7U
#define NOW 1000U

static Generations known; /* "a" has had two */

/* The records by the letters that the tables below use */
static int encode(char letter, Buf *b) {
        static const uint8_t set_id[PROTO_SET_ID_SIZE] = {1};

        buf_clear(b);
        switch (letter) {
        case 'S':
                return msg_snapshot_encode(b, &(MsgSnapshot) {.revision = REVISION});
        case 'Z': /* of another load */
                return msg_snapshot_encode(b, &(MsgSnapshot) {.revision = REVISION + 1});
        case 'C': {
                MsgCertificates m = {.last = true};

                memcpy(m.set_id, set_id, sizeof(set_id));
                return msg_certificates_encode(b, &m);
        }
        case 'R':
                return msg_crl_encode(b, &(MsgCrl) {.profile = SPAN_LITERAL("a"), .last = true});
        case 'P':
                return msg_profile_encode(b, &(MsgProfile) {.name = SPAN_LITERAL("a"), .generation = 3, .minimum_tls = TLS_VERSION_1_2});
        case 'U':
                return msg_profile_encode(
                        b, &(MsgProfile) {.name = SPAN_LITERAL("b"), .state = PROTO_STATE_UNAVAILABLE, .minimum_tls = TLS_VERSION_1_2});
        case 'N':
                return msg_connection_encode(b, &(MsgConnection) {.alias = SPAN_LITERAL("a")});
        case 'E':
                return msg_empty_encode(b, MSG_SNAPSHOT_END);
        case 'W':
                return msg_watch_encode(b, &(MsgWatch) {.folder = SPAN_LITERAL("/")});
        case 'Q':
                return msg_fetcher_encode(b, &(MsgFetcher) {.store = ROLE_STORE_VAULT});
        case 'I':
                return msg_keep_encode(b, &(MsgKeep) {.profile = SPAN_LITERAL("a"), .text = SPAN_LITERAL("b")});
        case 'J': /* these were all */
                return msg_keep_encode(b, &(MsgKeep) {});
        case 'V':
                return msg_refresh_encode(b, &(MsgRefresh) {.within_sec = 60});
        case 'Y':
                return msg_retry_encode(b, &(MsgRetry) {.after_sec = 7});
        case 'G':
                return msg_progress_encode(b, &(MsgProgress) {.profile = SPAN_LITERAL("a")});
        case 'F': /* about one profile */
                return msg_admin_report_encode(b, &(MsgAdminReport) {.profile = SPAN_LITERAL("a"), .what = ADMIN_WHAT_FAILED});
        case 'T':
                return msg_admin_report_encode(b, &(MsgAdminReport) {.what = ADMIN_WHAT_FAILED});
        default: /* 'K': a key, which is for the signer alone */
                return buf_append(b, &(uint8_t) {ROLE_KEY}, 1);
        }
}

/* Return: what the last record of @letters gives */
static int take(LoadRecords *r, const char *letters) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        int k = 0;

        for (; *letters; letters++) {
                uint8_t *exact;

                assert_int_equal(encode(*letters, &b), 0);
                exact = malloc(b.size);
                assert_non_null(exact);
                memcpy(exact, b.data, b.size);
                k = load_records_take(r, span_make(exact, b.size));
                free(exact);
                if (letters[1])
                        assert_in_range(k == 0 || (k >= LOAD_RECORD_E_WATCH && k <= LOAD_RECORD_E_FETCHER), 1, 1);
        }
        return k;
}

typedef struct Row {
        const char *before; /* makes the stage */
        const char *good;   /* what may come then, of all letters */
} Row;

static void test_matrix(void **state _unused_) {
        static const Row rows[] = {
                {"", "SWTGQYVIJ"}, {"S", "CRPUNEWTYV"}, {"SC", "CRPUNEWTYV"}, {"SCR", "RPUNEWTYV"}, {"SCRP", "PUNEWTYV"}, {"SPN", "NEWTYV"},
                {"SCRPUNE", ""},   {"W", "SWTGQYVIJ"},  {"SW", "CRPUNEWTYV"}, {"Q", "SWTGYVIJ"},    {"IJ", "SWTGQYV"},
        };
        static const char all[] = "SZCRPUNEWTGKQYVIJ";

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                for (const char *letter = all; *letter; letter++) {
                        LoadRecords r;
                        char last[2] = {*letter, 0};
                        int k, want = !strchr(rows[i].good, *letter) ? LOAD_RECORD_E_VIOLATION
                                      : *letter == 'W'               ? LOAD_RECORD_E_WATCH
                                      : *letter == 'T'               ? LOAD_RECORD_E_REPORT
                                      : *letter == 'Q'               ? LOAD_RECORD_E_FETCHER
                                      : *letter == 'G'               ? LOAD_RECORD_E_PROGRESS
                                                                     : 0;

                        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
                        take(&r, rows[i].before);
                        k = take(&r, last);
                        if (k != want)
                                fail_msg("\"%s\" then %c: got %d, want %d", rows[i].before, *letter, k, want);
                        load_records_done(&r);
                }
}

static void test_retry(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "SP"), 0);
        assert_false(r.wants_retry);
        assert_int_equal(take(&r, "YV"), 0);
        assert_true(r.wants_retry);
        assert_int_equal(r.retry_after_sec, 7);
        assert_int_equal(r.refresh_sec, 60);
        load_records_done(&r);
}

static void test_keep(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "II"), 0);
        assert_false(r.keep_is_whole);
        assert_int_equal(take(&r, "J"), 0);
        assert_true(r.keep_is_whole);
        assert_int_equal(record_list_count(r.keep), 2);
        load_records_done(&r);
}

static void test_counts(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "WSCPUNNTE"), 0);
        assert_int_equal(r.stage, LOAD_STAGE_END);
        assert_int_equal(r.counts.n_profiles, 2);
        assert_int_equal(r.counts.n_connections, 2);
        assert_int_equal(r.counts.n_unavailable, 1);
        assert_int_equal(r.n_failed, 1);
        /* What is no part of the snapshot is not kept. */
        assert_int_equal(record_list_count(r.list), 7);
        load_records_done(&r);
}

static void test_generations(void **state _unused_) {
        _cleanup_(generations_done) Generations noted = {};
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        LoadRecords r;

        /* Two profiles: 3 is the next number of the one, 1 of the other; each may also say one that it has had. */
        static const struct {
                const char *name;
                uint64_t generation;
                bool good;
        } rows[] = {{"a", 3, true}, {"b", 1, true}, {"a", 1, true}, {"a", 4, false}, {"b", 2, false}, {"a", UINT64_MAX, false}};

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "SU"), 0);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const MsgProfile m = {.name = span_from_string(rows[i].name), .generation = rows[i].generation, .minimum_tls = TLS_VERSION_1_2};

                buf_clear(&b);
                assert_int_equal(msg_profile_encode(&b, &m), 0);
                assert_int_equal(load_records_take(&r, buf_span(&b)), rows[i].good ? 0 : LOAD_RECORD_E_VIOLATION);
        }

        assert_int_equal(load_records_note_generations(&r, &noted), 0);
        assert_int_equal(noted.n_items, 2);
        assert_int_equal(generations_last(&noted, SPAN_LITERAL("a")), 3);
        assert_int_equal(generations_last(&noted, SPAN_LITERAL("b")), 1);
        load_records_done(&r);
}

static void take_dates(LoadRecords *r, uint64_t generation, uint64_t not_before, uint64_t not_after) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        const MsgProfile m = {
                .name = SPAN_LITERAL("a"),
                .generation = generation,
                .not_before = not_before,
                .not_after = not_after,
                .minimum_tls = TLS_VERSION_1_2,
        };

        assert_int_equal(msg_profile_encode(&b, &m), 0);
        assert_int_equal(load_records_take(r, buf_span(&b)), 0);
}

static void test_next_date(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "S"), 0);
        take_dates(&r, 1, 0, NOW - 1);
        take_dates(&r, 1, NOW, UINT64_MAX);
        take_dates(&r, 0, NOW + 1, NOW + 2);
        assert_true(r.next_date == UINT64_MAX);
        take_dates(&r, 1, NOW - 1, NOW + 7);
        assert_int_equal(r.next_date, NOW + 8);
        take_dates(&r, 1, NOW + 5, NOW + 100);
        assert_int_equal(r.next_date, NOW + 5);
        take_dates(&r, 1, NOW, NOW + 50);
        assert_int_equal(r.next_date, NOW + 5);
        /* Its last second: over when the next one begins. */
        take_dates(&r, 1, NOW - 1, NOW);
        assert_int_equal(r.next_date, NOW + 1);
        load_records_done(&r);
}

static void test_too_many(void **state _unused_) {
        LoadRecords r;
        int k = 0;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "S"), 0);
        for (size_t i = 1; i < ROLE_SNAPSHOT_RECORDS_MAX; i++)
                k |= take(&r, "N");
        assert_int_equal(k, 0);
        assert_int_equal(take(&r, "N"), LOAD_RECORD_E_VIOLATION);
        load_records_done(&r);
}

/* Of a load for one profile, what it says of others was said before. */
static void test_only(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        r.only = "a";
        assert_int_equal(take(&r, "T"), 0);
        assert_int_equal(r.n_failed, 0);
        assert_int_equal(take(&r, "F"), LOAD_RECORD_E_REPORT);
        assert_int_equal(r.n_failed, 1);
        r.only = "b";
        assert_int_equal(take(&r, "F"), 0);
        assert_int_equal(r.n_failed, 1);
        load_records_done(&r);
}

/* What is not kept is bounded too: the supervisor queues it for those who asked. */
static void test_too_many_extra(void **state _unused_) {
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(take(&r, "GG"), LOAD_RECORD_E_PROGRESS);
        for (size_t i = 1; i < ROLE_EXTRA_RECORDS_MAX / 2; i++) {
                assert_int_equal(take(&r, "T"), LOAD_RECORD_E_REPORT);
                assert_int_equal(take(&r, "W"), LOAD_RECORD_E_WATCH);
        }
        assert_int_equal(take(&r, "T"), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(take(&r, "W"), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(take(&r, "G"), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(take(&r, "S"), 0);
        load_records_done(&r);
}

static void test_malformed(void **state _unused_) {
        static const uint8_t types[] = {MSG_SNAPSHOT,   MSG_CERTIFICATES, ROLE_CRL,      MSG_PROFILE,
                                        MSG_CONNECTION, ROLE_WATCH,       ROLE_PROGRESS, ADMIN_REPORT};
        LoadRecords r;

        assert_int_equal(load_records_init(&r, REVISION, NOW, &known), 0);
        assert_int_equal(load_records_take(&r, (Span) {}), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(load_records_take(&r, span_make(&types[0], 1)), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(take(&r, "S"), 0);
        for (size_t i = 1; i < ARRAY_SIZE(types); i++)
                assert_int_equal(load_records_take(&r, span_make(&types[i], 1)), LOAD_RECORD_E_VIOLATION);
        assert_int_equal(load_records_take(&r, SPAN_LITERAL("\x86"
                                                            "x")),
                         LOAD_RECORD_E_VIOLATION);
        load_records_done(&r);
}

static RecordList *make_list(uint64_t revision, uint32_t max_calls, const char *name) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
        RecordList *l;

        assert_int_equal(record_list_new(10, 10000, &l), 0);
        assert_int_equal(msg_snapshot_encode(&b, &(MsgSnapshot) {.revision = revision, .max_calls = max_calls}), 0);
        assert_int_equal(record_list_add(l, buf_span(&b)), 0);
        assert_int_equal(record_list_add(l, span_from_string(name)), 0);
        return l;
}

static void test_same(void **state _unused_) {
        _cleanup_(record_list_unrefp) RecordList *a = make_list(1, 5, "x"), *b = make_list(2, 5, "x"), *calls = make_list(1, 6, "x"),
                                                 *other = make_list(1, 5, "y"), *longer = make_list(1, 5, "x");

        assert_int_equal(record_list_add(longer, SPAN_LITERAL("z")), 0);
        assert_true(load_records_same(a, b));
        assert_false(load_records_same(a, calls));
        assert_false(load_records_same(a, other));
        assert_false(load_records_same(a, longer));
        assert_false(load_records_same(NULL, a));
        assert_false(load_records_same(NULL, NULL));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matrix), cmocka_unit_test(test_keep),           cmocka_unit_test(test_retry),
                cmocka_unit_test(test_counts), cmocka_unit_test(test_next_date),      cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_only),   cmocka_unit_test(test_too_many_extra), cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_same),   cmocka_unit_test(test_generations),
        };
        int r;

        ASSERT(generations_note(&known, SPAN_LITERAL("a"), 2) == 0);
        r = cmocka_run_group_tests(tests, NULL, NULL);
        generations_done(&known);
        return r;
}
