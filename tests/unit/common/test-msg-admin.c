/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/msg-admin.h"
#include "common/msg-hello.h"

/* Decodes into a buffer of its own; the same check for each message. */
typedef int (*Decode)(Span body);

static int decode_reload(Span body) {
        MsgAdminReload m;

        return msg_admin_reload_decode(body, &m);
}

static int decode_report(Span body) {
        MsgAdminReport m;

        return msg_admin_report_decode(body, &m);
}

static int decode_reloaded(Span body) {
        MsgAdminReloaded m;

        return msg_admin_reloaded_decode(body, &m);
}

static int decode_status(Span body) {
        MsgAdminStatus m;

        return msg_admin_status_decode(body, &m);
}

static int decode_exact(Decode decode, const uint8_t *data, size_t size) {
        uint8_t *exact = malloc(size > 0 ? size : 1);
        int r;

        assert_non_null(exact);
        if (size > 0)
                memcpy(exact, data, size);
        r = decode(span_make(exact, size));
        free(exact);
        return r;
}

/* @record is good; no beginning of it is, nor it with a byte more. */
static void check_bounds(Decode decode, const Buf *record, uint8_t type) {
        _cleanup_(buf_done) Buf longer = BUF_INIT(PROTO_RECORD_MAX);
        size_t size = record->size - 1;

        assert_int_equal(record->data[0], type);
        assert_int_equal(decode_exact(decode, record->data + 1, size), 0);
        for (size_t i = 0; i < size; i++)
                assert_int_equal(decode_exact(decode, record->data + 1, i), WIRE_E_MALFORMED);

        assert_int_equal(buf_append(&longer, record->data + 1, size), 0);
        assert_int_equal(buf_append(&longer, "", 1), 0);
        assert_int_equal(decode_exact(decode, longer.data, longer.size), WIRE_E_MALFORMED);
}

static void test_reload(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgAdminReload m;

        assert_int_equal(msg_admin_reload_encode(&record, &(MsgAdminReload) {.dry_run = true}), 0);
        check_bounds(decode_reload, &record, ADMIN_RELOAD);
        assert_int_equal(msg_admin_reload_decode(span_make(record.data + 1, record.size - 1), &m), 0);
        assert_true(m.dry_run);
        record.data[1] = 2;
        assert_int_equal(decode_reload(span_make(record.data + 1, record.size - 1)), WIRE_E_MALFORMED);
}

static int encode_report(Buf *record, size_t name_size, size_t text_size, uint8_t what) {
        static char text[PROTO_TEXT_MAX + 1];
        const MsgAdminReport m = {
                .profile = span_make(text, name_size), .what = what, .sentence = span_make(text, text_size), .hint = span_make(text, text_size)};

        memset(text, 'x', sizeof(text));
        buf_clear(record);
        return msg_admin_report_encode(record, &m);
}

static void test_report(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        static const struct {
                size_t name_size, text_size;
                uint8_t what;
                int want;
        } rows[] = {
                {0, 0, ADMIN_WHAT_LOADED, 0},
                {PROTO_NAME_MAX, PROTO_TEXT_MAX, ADMIN_WHAT_FAILED, 0},
                {PROTO_NAME_MAX + 1, 0, ADMIN_WHAT_FAILED, WIRE_E_MALFORMED},
                {0, PROTO_TEXT_MAX + 1, ADMIN_WHAT_FAILED, WIRE_E_MALFORMED},
                {0, 0, _ADMIN_WHAT_MAX, WIRE_E_MALFORMED},
        };

        assert_int_equal(encode_report(&record, 3, 5, ADMIN_WHAT_KEPT_OLD), 0);
        check_bounds(decode_report, &record, ADMIN_REPORT);
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(encode_report(&record, rows[i].name_size, rows[i].text_size, rows[i].what), 0);
                assert_int_equal(decode_exact(decode_report, record.data + 1, record.size - 1), rows[i].want);
        }
}

static void test_report_content(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReport m = {
                .profile = SPAN_LITERAL("a"), .what = ADMIN_WHAT_KEPT_OLD, .sentence = SPAN_LITERAL("bc"), .hint = SPAN_LITERAL("def")};
        MsgAdminReport back;

        assert_int_equal(msg_admin_report_encode(&record, &m), 0);
        assert_int_equal(msg_admin_report_decode(span_make(record.data + 1, record.size - 1), &back), 0);
        assert_true(span_is(back.profile, "a") && span_is(back.sentence, "bc") && span_is(back.hint, "def"));
        assert_int_equal(back.what, ADMIN_WHAT_KEPT_OLD);
}

static void test_reloaded(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgAdminReloaded m;

        assert_int_equal(msg_admin_reloaded_encode(&record, &(MsgAdminReloaded) {.n_failed = 0x01020304}), 0);
        check_bounds(decode_reloaded, &record, ADMIN_RELOADED);
        assert_int_equal(msg_admin_reloaded_decode(span_make(record.data + 1, record.size - 1), &m), 0);
        assert_int_equal(m.n_failed, 0x01020304);
}

static void fill_roles(MsgAdminStatus *m, size_t n) {
        m->n_roles = n;
        for (size_t i = 0; i < n; i++)
                m->roles[i] = (AdminRole) {.name = SPAN_LITERAL("signer"), .pid = 5, .ready = true, .n_restarts = 2, .text = SPAN_LITERAL("secret")};
}

static void test_status(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgAdminStatus m = {.revision = 1, .n_connections = 3, .n_profiles = 4, .n_unavailable = 5, .n_loads = 6, .n_failed_loads = 7};
        MsgAdminStatus back;

        fill_roles(&m, ADMIN_ROLES_MAX);
        assert_int_equal(msg_admin_status_encode(&record, &m), 0);
        check_bounds(decode_status, &record, ADMIN_STATUS_ANSWER);
        assert_int_equal(msg_admin_status_decode(span_make(record.data + 1, record.size - 1), &back), 0);
        assert_int_equal(back.revision, 1);
        assert_int_equal(back.n_connections, 3);
        assert_int_equal(back.n_profiles, 4);
        assert_int_equal(back.n_unavailable, 5);
        assert_int_equal(back.n_loads, 6);
        assert_int_equal(back.n_failed_loads, 7);
        assert_int_equal(back.n_roles, ADMIN_ROLES_MAX);
        assert_true(span_is(back.roles[7].name, "signer") && span_is(back.roles[7].text, "secret") && back.roles[7].ready);
        assert_int_equal(back.roles[7].pid, 5);
        assert_int_equal(back.roles[7].n_restarts, 2);
}

/* One role more than there can be: its bytes are there, and are not read. */
static void test_status_too_many_roles(void **state _unused_) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX), longer = BUF_INIT(PROTO_RECORD_MAX);
        size_t count_at = 1 + sizeof(uint64_t) + 5 * sizeof(uint32_t);
        MsgAdminStatus m = {};
        size_t one;

        fill_roles(&m, ADMIN_ROLES_MAX);
        assert_int_equal(msg_admin_status_encode(&record, &m), 0);
        one = (record.size - count_at - 1) / ADMIN_ROLES_MAX;
        assert_int_equal(record.data[count_at], ADMIN_ROLES_MAX);
        record.data[count_at]++;
        assert_int_equal(buf_append(&longer, record.data, record.size), 0);
        assert_int_equal(buf_append(&longer, record.data + count_at + 1, one), 0);
        assert_int_equal(decode_exact(decode_status, longer.data + 1, longer.size - 1), WIRE_E_MALFORMED);
}

static void test_names(void **state _unused_) {
        assert_string_equal(admin_what_to_string(ADMIN_WHAT_LOADED), "loaded");
        assert_string_equal(admin_what_to_string(ADMIN_WHAT_UNCHANGED), "unchanged");
        assert_string_equal(admin_what_to_string(ADMIN_WHAT_KEPT_OLD), "kept-old");
        assert_string_equal(admin_what_to_string(ADMIN_WHAT_FAILED), "failed");
        assert_string_equal(admin_what_to_string(ADMIN_WHAT_REMOVED), "removed");
        assert_string_equal(admin_what_to_string(_ADMIN_WHAT_MAX), "unknown");
        assert_false(admin_what_is_failure(ADMIN_WHAT_LOADED) || admin_what_is_failure(ADMIN_WHAT_UNCHANGED));
        assert_true(admin_what_is_failure(ADMIN_WHAT_KEPT_OLD) && admin_what_is_failure(ADMIN_WHAT_FAILED));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reload),   cmocka_unit_test(test_report), cmocka_unit_test(test_report_content),
                cmocka_unit_test(test_reloaded), cmocka_unit_test(test_status), cmocka_unit_test(test_status_too_many_roles),
                cmocka_unit_test(test_names),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
