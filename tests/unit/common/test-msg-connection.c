/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-connection.h"
#include "tests/unit/lib/codec.h"
#include "tests/unit/lib/unit.h"

static const CodecField connection_fields[] = {
        /* as the body has them */
        FIELD_TEXT("alias", 1, PROTO_NAME_MAX),
        FIELD_TEXT("profile", 0, PROTO_NAME_MAX),
        FIELD_U8("state", 0, _PROTO_STATE_MAX - 1),
        FIELD_TEXT("reason", 0, PROTO_TEXT_MAX),
        FIELD_TEXT("host", 0, PROTO_HOST_MAX),
        FIELD_U16("port"),
        FIELD_TEXT("base_path", 0, PROTO_TEXT_MAX),
        FIELD_LIST("allow_users", PROTO_TEXT_MAX),
        FIELD_LIST("allow_groups", PROTO_TEXT_MAX),
        FIELD_LIST("allow_selinux_contexts", PROTO_TEXT_MAX),
        FIELD_LIST("allow_methods", PROTO_TEXT_MAX),
        FIELD_LIST("allow_paths", PROTO_TEXT_MAX),
        FIELD_U64("connect_timeout_usec", 0),
        FIELD_U64("timeout_usec", 0),
        FIELD_U64("max_request_bytes", 0),
        FIELD_U64("max_response_bytes", 0),
        FIELD_BOOL("http2"),
        FIELD_BOOL("session_resumption"),
        FIELD_TEXT("proxy", 0, PROTO_TEXT_MAX),
        FIELD_TEXT("proxy_password", 0, PROTO_TEXT_MAX),
        FIELD_LIST("deny_addresses", PROTO_TEXT_MAX),
        FIELD_LIST_WITH_NEXT("header_names", PROTO_TEXT_MAX),
        FIELD_LIST("header_values", PROTO_VALUE_MAX),
        FIELD_U8("retry_strategy", 0, _RETRY_MAX - 1),
        FIELD_U64("retry_interval_usec", 0),
        FIELD_U32("retry_count"),
        FIELD_U64("retry_max_elapsed_usec", 0),
        FIELD_LIST("retry_status_codes", PROTO_NAME_MAX),
};

DEFINE_RECODE(MsgConnection, connection)

static void test_connection_codec(void **state) {
        static const Codec c = CODEC(connection, MSG_CONNECTION);

        codec_check(&c);
}

static void add(TextList *list, Span item) {
        assert_int_equal(text_list_add(list, item), 0);
}

static void fill(MsgConnection *m) {
        *m = (MsgConnection) {
                .alias = SPAN_LITERAL("crm"),
                .profile = SPAN_LITERAL("bank"),
                .state = PROTO_STATE_READY,
                .reason = SPAN_LITERAL("reason"),
                .host = SPAN_LITERAL("crm.example"),
                .port = 8443,
                .base_path = SPAN_LITERAL("/api"),
                .connect_timeout_usec = 1,
                .timeout_usec = 2,
                .max_request_bytes = 3,
                .max_response_bytes = 4,
                .http2 = true,
                .proxy = SPAN_LITERAL("http://proxy"),
                .proxy_password = SPAN_LITERAL("secret"),
                .retry_strategy = RETRY_EXPONENTIAL,
                .retry_interval_usec = 5,
                .retry_count = 6,
                .retry_max_elapsed_usec = 7,
        };
        add(&m->allow_users, SPAN_LITERAL("user"));
        add(&m->allow_groups, SPAN_LITERAL("group"));
        add(&m->allow_selinux_contexts, SPAN_LITERAL("context"));
        add(&m->allow_methods, SPAN_LITERAL("GET"));
        add(&m->allow_paths, SPAN_LITERAL("/v1"));
        add(&m->deny_addresses, SPAN_LITERAL("private"));
        add(&m->header_names, SPAN_LITERAL("X-A"));
        add(&m->header_values, SPAN_LITERAL("a"));
        add(&m->retry_status_codes, SPAN_LITERAL("503"));
}

/* What goes in comes out, in its place. */
static void test_values(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgConnection in, m;

        fill(&in);
        assert_int_equal(msg_connection_encode(&record, &in), 0);
        assert_int_equal(msg_connection_decode(span_make(record.data + 1, record.size - 1), &m), 0);

        assert_true(span_is(m.alias, "crm") && span_is(m.profile, "bank") && span_is(m.reason, "reason") && span_is(m.host, "crm.example"));
        assert_true(m.state == PROTO_STATE_READY && m.port == 8443 && span_is(m.base_path, "/api"));
        assert_true(span_is(m.allow_users.items[0], "user") && span_is(m.allow_groups.items[0], "group"));
        assert_true(span_is(m.allow_selinux_contexts.items[0], "context") && span_is(m.allow_methods.items[0], "GET"));
        assert_true(span_is(m.allow_paths.items[0], "/v1") && span_is(m.deny_addresses.items[0], "private"));
        assert_true(m.connect_timeout_usec == 1 && m.timeout_usec == 2 && m.max_request_bytes == 3 && m.max_response_bytes == 4);
        assert_true(m.http2 && !m.session_resumption);
        assert_true(span_is(m.proxy, "http://proxy") && span_is(m.proxy_password, "secret"));
        assert_true(span_is(m.header_names.items[0], "X-A") && span_is(m.header_values.items[0], "a"));
        assert_true(m.retry_strategy == RETRY_EXPONENTIAL && m.retry_interval_usec == 5 && m.retry_count == 6);
        assert_true(m.retry_max_elapsed_usec == 7 && span_is(m.retry_status_codes.items[0], "503"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_connection_codec),
                cmocka_unit_test(test_values),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
