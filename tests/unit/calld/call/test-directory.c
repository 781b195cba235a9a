/* SPDX-License-Identifier: Apache-2.0 */

/* From keyd's messages to the directory, what is shared with the former one, and how connections are found */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/call/snapshot.h"

static void check_encode(int r) {
        assert_int_equal(r, 0);
}

/* Hands a message over in a heap block of exactly its size. */
static int take(Snapshot *s, const Buf *record) {
        _cleanup_free_ uint8_t *copy = malloc(record->size - 1 + (record->size == 1));

        assert_non_null(copy);
        memcpy(copy, record->data + 1, record->size - 1);
        return snapshot_take(s, record->data[0], span_make(copy, record->size - 1));
}

static Snapshot *begin(const Directory *d, uint64_t revision) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        MsgSnapshot m = {.revision = revision, .mid_name = SPAN_LITERAL("mid"), .max_calls = 9};
        Snapshot *s = NULL;

        check_encode(msg_snapshot_encode(&record, &m));
        assert_int_equal(snapshot_new(d, span_make(record.data + 1, record.size - 1), &s), 0);
        return s;
}

static int put_set(Snapshot *s, uint8_t id, const char *bytes, bool last) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096), list = BUF_INIT(1024);
        MsgCertificates m = {.set_id = {id}, .last = last};
        WireWriter w;

        wire_writer_init(&w, &list);
        wire_put_vector(&w, 3, span_from_string(bytes));
        check_encode(wire_writer_end(&w));
        m.certificates = buf_span(&list);
        check_encode(msg_certificates_encode(&record, &m));
        return take(s, &record);
}

static int put_profile(Snapshot *s, const char *name, uint8_t set, uint64_t generation) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        static const uint8_t chain[] = {0, 0, 1, 'c'};
        MsgProfile m = {
                .name = span_from_string(name),
                .generation = generation,
                .default_port = 8443,
                .minimum_tls = TLS_VERSION_1_2,
                .ca_set = {set},
                .key_type = SPAN_LITERAL("ec-p256"),
                .not_before = 1,
                .not_after = 2,
                .chain = span_make(chain, sizeof(chain)),
        };

        check_encode(msg_profile_encode(&record, &m));
        return take(s, &record);
}

static int put_connection(Snapshot *s, const char *alias, const char *profile, uint16_t port, const char *base_path) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        MsgConnection m = {
                .alias = span_from_string(alias),
                .profile = span_from_string(profile),
                .host = SPAN_LITERAL("Partner.Example"),
                .port = port,
                .base_path = span_from_string(base_path),
                .connect_timeout_usec = 1,
                .timeout_usec = 1,
        };

        check_encode(msg_connection_encode(&record, &m));
        return take(s, &record);
}

static void state_all(Directory *d, uint64_t revision, uint64_t generation, const char *ca) {
        Snapshot *s = begin(d, revision);

        assert_int_equal(put_set(s, 1, ca, false), 0);
        assert_int_equal(put_set(s, 1, "more", true), 0);
        assert_int_equal(put_profile(s, "mauth", 1, generation), 0);
        assert_int_equal(put_profile(s, "other", 1, 1), 0);
        assert_int_equal(put_connection(s, "zeta", "mauth", 8443, "/api/v2"), 0);
        assert_int_equal(put_connection(s, "alpha", "mauth", 8443, "/api"), 0);
        assert_int_equal(put_connection(s, "root", "other", 8443, ""), 0);
        assert_int_equal(put_connection(s, "mid", "mauth", 9000, ""), 0);
        assert_int_equal(snapshot_finish(s, d), 0);
        snapshot_free(s);
}

static void test_find(void **state) {
        static const char *const aliases[] = {"alpha", "mid", "root", "zeta"};
        Directory d = {};

        (void) state;
        state_all(&d, 7, 1, "ca");
        assert_int_equal(d.revision, 7);
        assert_int_equal(d.n_changes, 1);
        assert_int_equal(d.limits.max_calls, 9);
        assert_int_equal(d.n_connections, 4);
        for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
                assert_true(span_is(d.connections[i]->m.alias, aliases[i]));
                assert_ptr_equal(directory_find(&d, span_from_string(aliases[i])), d.connections[i]);
        }
        assert_null(directory_find(&d, SPAN_LITERAL("")));
        assert_null(directory_find(&d, SPAN_LITERAL("alph")));
        assert_null(directory_find(&d, SPAN_LITERAL("alphaa")));
        directory_done(&d);
}

typedef struct UrlRow {
        const char *scheme, *host;
        uint16_t port;
        const char *path, *alias, *rest;
} UrlRow;

static const UrlRow url_rows[] = {
        {"mauth", "partner.example", 0, "/api/v2/x?y", "zeta", "/x?y"},
        {"MAUTH", "PARTNER.EXAMPLE", 8443, "/api/v2", "zeta", ""},
        {"mauth", "partner.example", 0, "/api/v2?q", "zeta", "?q"},
        {"mauth", "partner.example", 0, "/api/v22", "alpha", "/v22"},
        {"mauth", "partner.example", 0, "/apix", NULL, NULL},
        {"mauth", "partner.example", 9000, "/apix", "mid", "/apix"},
        {"other", "partner.example", 0, "", "root", ""},
        {"other", "partner.example", 443, "/", NULL, NULL},
        {"other", "partner.exampl", 0, "/", NULL, NULL},
        {"none", "partner.example", 0, "/", NULL, NULL},
};

static void test_find_url(void **state) {
        Directory d = {};

        (void) state;
        state_all(&d, 1, 1, "ca");
        for (size_t i = 0; i < ARRAY_SIZE(url_rows); i++) {
                const UrlRow *row = &url_rows[i];
                Span rest = {};
                Connection *c = directory_find_url(&d, span_from_string(row->scheme), span_from_string(row->host), row->port,
                                                   span_from_string(row->path), &rest);

                if (!c != !row->alias || (c && (!span_is(c->m.alias, row->alias) || !span_is(rest, row->rest))))
                        fail_msg("%s %s %u %s", row->scheme, row->host, row->port, row->path);
        }
        directory_done(&d);
}

/* Who says the same keeps the object, and with it the open connections. */
static void test_sharing(void **state) {
        Connection *alpha, *root;
        Directory d = {};

        (void) state;
        state_all(&d, 1, 1, "ca");
        alpha = connection_ref(directory_find(&d, SPAN_LITERAL("alpha")));
        root = connection_ref(directory_find(&d, SPAN_LITERAL("root")));

        state_all(&d, 2, 1, "ca");
        assert_int_equal(d.n_changes, 2);
        assert_ptr_equal(directory_find(&d, SPAN_LITERAL("alpha")), alpha);
        assert_ptr_equal(directory_find(&d, SPAN_LITERAL("root")), root);

        /* a new key of mauth */
        state_all(&d, 3, 2, "ca");
        assert_ptr_not_equal(directory_find(&d, SPAN_LITERAL("alpha")), alpha);
        assert_ptr_equal(directory_find(&d, SPAN_LITERAL("root")), root);

        /* the CA set has another content under the same name */
        state_all(&d, 4, 2, "CA");
        assert_ptr_not_equal(directory_find(&d, SPAN_LITERAL("root")), root);
        connection_unref(alpha);
        connection_unref(root);
        directory_done(&d);
}

/* What names something that was not said, or comes out of turn, changes nothing. */
static void test_refused(void **state) {
        Directory d = {};
        Snapshot *s;

        (void) state;
        state_all(&d, 1, 1, "ca");

        s = begin(&d, 2);
        assert_int_equal(put_profile(s, "mauth", 1, 1), SNAPSHOT_E_INVALID); /* no such set */
        assert_int_equal(put_connection(s, "a", "mauth", 1, ""), SNAPSHOT_E_INVALID);
        assert_int_equal(snapshot_take(s, MSG_SNAPSHOT_END, (Span) {}), SNAPSHOT_E_INVALID);
        assert_int_equal(snapshot_take(s, MSG_PROFILE, (Span) {}), SNAPSHOT_E_INVALID);
        snapshot_free(s);

        s = begin(&d, 2);
        assert_int_equal(put_set(s, 1, "ca", false), 0);
        assert_int_equal(put_set(s, 2, "ca", true), SNAPSHOT_E_INVALID); /* the first is not finished */
        assert_int_equal(put_profile(s, "mauth", 1, 1), SNAPSHOT_E_INVALID);
        assert_int_equal(snapshot_finish(s, &d), SNAPSHOT_E_INVALID);
        snapshot_free(s);

        s = begin(&d, 2);
        assert_int_equal(put_set(s, 1, "ca", true), 0);
        assert_int_equal(put_set(s, 1, "ca", true), SNAPSHOT_E_INVALID);
        assert_int_equal(put_profile(s, "mauth", 1, 1), 0);
        assert_int_equal(put_profile(s, "mauth", 1, 1), SNAPSHOT_E_INVALID);
        assert_int_equal(put_connection(s, "a", "mauth", 1, ""), 0);
        assert_int_equal(put_connection(s, "a", "mauth", 2, ""), 0);
        assert_int_equal(snapshot_finish(s, &d), SNAPSHOT_E_INVALID);
        snapshot_free(s);

        assert_int_equal(d.revision, 1);
        assert_int_equal(d.n_connections, 4);
        directory_done(&d);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_find_url),
                cmocka_unit_test(test_sharing),
                cmocka_unit_test(test_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
