/* SPDX-License-Identifier: Apache-2.0 */

/* A load's outcome as records; each publication is also put before the supervisor's own check */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-hello.h"
#include "common/msg-snapshot.h"
#include "keyd/loader/publish.h"
#include "keyd/supervisor/supervisor-internal.h"

#define REVISION 5U
#define PIN "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PROFILES 2U
#define CONNECTIONS 2U

/* Two profiles with one CA set, two connections; borrowed from literals, never freed. */
typedef struct Case {
        Certificate chain[PROTO_CHAIN_MAX + 1];
        LoadedKey key;
        CaSet ca;
        ProfileConfig profiles[PROFILES];
        ProfileConfig *profile_list[PROFILES];
        ConnectionConfig connections[CONNECTIONS];
        ConnectionConfig *connection_list[CONNECTIONS];
        Config config;
        ProfileResult results[PROFILES];
        LoadRequest request;
        Publication p;
        RecordList *records;
} Case;

static void make_case(Case *c) {
        static uint8_t leaf[] = "leaf";

        *c = (Case) {
                .key = {.chain = c->chain, .n_chain = 1, .key_type = "rsa-2048", .not_before = 1, .not_after = 2},
                .ca = {.id = {7}, .certificates = c->chain, .n_certificates = 1},
                .request.load.revision = REVISION,
        };
        for (size_t i = 0; i <= PROTO_CHAIN_MAX; i++)
                c->chain[i] = (Certificate) {leaf, 4};
        for (size_t i = 0; i < PROFILES; i++) {
                c->profiles[i] = (ProfileConfig) {
                        .name = i ? (char *) "beta" : (char *) "alpha", .applies = true, .default_port = 443, .minimum_tls = TLS_VERSION_1_2};
                c->profile_list[i] = &c->profiles[i];
                c->results[i] = (ProfileResult) {.config = &c->profiles[i], .key = &c->key, .ca = &c->ca, .generation = 3 + i};
                c->connections[i] = (ConnectionConfig) {.alias = i ? (char *) "two" : (char *) "one",
                                                        .applies = true,
                                                        .profile = c->profiles[i].name,
                                                        .host = (char *) "partner.example",
                                                        .port = 8443,
                                                        .base_path = (char *) "/v1",
                                                        .retry_strategy = (char *) "retry-after"};
                c->connection_list[i] = &c->connections[i];
        }
        c->config = (Config) {.mid_name = (char *) "mid",
                              .profiles = c->profile_list,
                              .n_profiles = PROFILES,
                              .connections = c->connection_list,
                              .n_connections = CONNECTIONS};
        c->p = (Publication) {.config = &c->config, .request = &c->request, .results = c->results, .n_results = PROFILES};
        assert_int_equal(record_list_new(100, ROLE_SNAPSHOT_BYTES_MAX, &c->records), 0);
}

static void case_done(Case *c) {
        record_list_unref(c->records);
        record_list_unref(c->request.previous);
}

/* Publishes; the supervisor must take it as it is. */
static void publish(Case *c) {
        _cleanup_(generations_done) Generations known = {.forgotten = 9};
        const uint8_t end = MSG_SNAPSHOT_END;
        LoadRecords r;

        assert_int_equal(publish_snapshot(&c->p, c->records), 0);
        assert_int_equal(load_records_init(&r, REVISION, 0, &known), 0);
        for (size_t i = 0; i < record_list_count(c->records); i++)
                assert_int_equal(load_records_take(&r, record_list_get(c->records, i)), 0);
        assert_int_equal(load_records_take(&r, span_make(&end, 1)), 0);
        load_records_done(&r);
}

static size_t count(const Case *c, uint8_t type) {
        size_t cursor = 0, n = 0;
        Span record, body;

        while (request_next(c->records, type, &cursor, &record, &body))
                n++;
        return n;
}

static MsgProfile get_profile(const Case *c, const char *name) {
        const LoadRequest as_request = {.previous = c->records};
        MsgProfile m;

        assert_true(request_find_profile(&as_request, name, &m));
        return m;
}

static MsgConnection get_connection(const Case *c, const char *alias) {
        size_t cursor = 0;
        Span record, body;
        MsgConnection m;

        while (request_next(c->records, MSG_CONNECTION, &cursor, &record, &body))
                if (msg_connection_decode(body, &m) == 0 && span_is(m.alias, alias))
                        return m;
        fail_msg("no connection %s", alias);
        return (MsgConnection) {};
}

static void test_whole(void **state _unused_) {
        _cleanup_(case_done) Case c;
        MsgConnection connection;
        MsgProfile profile;

        make_case(&c);
        c.profiles[0].pins = (char *[]) {(char *) PIN, NULL};
        c.profiles[0].allowed_names = (char *[]) {(char *) "other.example", NULL};
        publish(&c);

        assert_int_equal(record_list_count(c.records), 6);
        assert_int_equal(count(&c, MSG_CERTIFICATES), 1);
        profile = get_profile(&c, "alpha");
        assert_int_equal(profile.generation, 3);
        assert_int_equal(profile.state, PROTO_STATE_READY);
        assert_int_equal(profile.ca_set[0], 7);
        assert_true(span_is(profile.key_type, "rsa-2048"));
        assert_true(span_equal(profile.chain, SPAN_LITERAL("\0\0\4leaf")));
        assert_int_equal(profile.pins.n_items, 1);
        assert_int_equal(profile.pins.items[0].data[31], 31);
        assert_true(span_is(profile.allowed_names.items[0], "other.example"));
        connection = get_connection(&c, "two");
        assert_true(span_is(connection.profile, "beta") && span_is(connection.host, "partner.example") && span_is(connection.base_path, "/v1"));
        assert_int_equal(connection.port, 8443);
        assert_int_equal(connection.retry_strategy, RETRY_AFTER);
}

static void test_large_set(void **state _unused_) {
        static uint8_t der[2000];
        static Certificate many[250];
        _cleanup_(case_done) Case c;
        size_t cursor = 0, n_parts = 0, n_certificates = 0;
        Span record, body, one;
        MsgCertificates m;

        make_case(&c);
        for (size_t i = 0; i < ARRAY_SIZE(many); i++)
                many[i] = (Certificate) {der, sizeof(der)};
        c.ca.certificates = many;
        c.ca.n_certificates = ARRAY_SIZE(many);
        publish(&c);

        while (request_next(c.records, MSG_CERTIFICATES, &cursor, &record, &body)) {
                assert_int_equal(msg_certificates_decode(body, &m), 0);
                n_parts++;
                while (msg_certificates_next(&m.certificates, &one))
                        n_certificates++;
                assert_int_equal(m.last, n_certificates == ARRAY_SIZE(many));
        }
        assert_int_equal(n_certificates, ARRAY_SIZE(many));
        assert_int_equal(n_parts, 3);
}

static void test_crls(void **state _unused_) {
        _cleanup_(case_done) Case c;
        size_t cursor = 0, n_bytes = 0, n_last = 0;
        Span record, body;
        uint8_t *p;
        MsgCrl m;

        make_case(&c);
        c.results[1].crls = (Buf) BUF_INIT(ROLE_CRL_BYTES_MAX);
        assert_int_equal(buf_extend(&c.results[1].crls, 500000, &p), 0);
        publish(&c);
        buf_done(&c.results[1].crls);

        while (request_next(c.records, ROLE_CRL, &cursor, &record, &body)) {
                assert_int_equal(msg_crl_decode(body, &m), 0);
                assert_true(span_is(m.profile, "beta"));
                n_bytes += m.part.size;
                n_last += m.last;
                assert_int_equal(m.last, n_bytes == 500000);
        }
        assert_int_equal(n_bytes, 500000);
        assert_int_equal(n_last, 1);
}

/* What is kept is said again as it was said before. */
static void test_kept(void **state _unused_) {
        _cleanup_(case_done) Case before, after;
        uint8_t *p;

        make_case(&before);
        before.results[0].crls = (Buf) BUF_INIT(ROLE_CRL_BYTES_MAX);
        assert_int_equal(buf_extend(&before.results[0].crls, 10, &p), 0);
        publish(&before);
        buf_done(&before.results[0].crls);

        make_case(&after);
        after.request.previous = record_list_ref(before.records);
        after.results[0] = (ProfileResult) {.config = &after.profiles[0],
                                            .keeps_key = true,
                                            .keeps_ca = true,
                                            .keeps_crls = true,
                                            .has_previous = true,
                                            .generation = 3,
                                            .reason = "the last reload failed: x"};
        assert_true(request_find_profile(&after.request, "alpha", &after.results[0].previous));
        publish(&after);

        assert_int_equal(record_list_count(after.records), record_list_count(before.records));
        for (size_t i = 0; i < record_list_count(before.records); i++)
                if (record_list_get(before.records, i).data[0] != MSG_PROFILE)
                        assert_true(span_equal(record_list_get(before.records, i), record_list_get(after.records, i)));
        assert_true(span_is(get_profile(&after, "alpha").reason, "the last reload failed: x"));
        assert_true(span_equal(get_profile(&after, "alpha").chain, get_profile(&before, "alpha").chain));
}

static void test_unavailable(void **state _unused_) {
        static const uint8_t none[PROTO_SET_ID_SIZE];
        _cleanup_(case_done) Case c;
        MsgProfile m;

        make_case(&c);
        for (size_t i = 0; i < PROFILES; i++)
                c.results[i] = (ProfileResult) {.config = &c.profiles[i], .state = PROTO_STATE_UNAVAILABLE, .reason = "why", .hint = "what to do"};
        publish(&c);

        assert_int_equal(count(&c, MSG_CERTIFICATES), 0);
        m = get_profile(&c, "beta");
        assert_int_equal(m.state, PROTO_STATE_UNAVAILABLE);
        assert_true(span_is(m.reason, "why") && span_is(m.hint, "what to do"));
        assert_memory_equal(m.ca_set, none, sizeof(none));
        assert_int_equal(m.chain.size, 0);
}

static void test_chain_too_long(void **state _unused_) {
        _cleanup_(case_done) Case c;

        make_case(&c);
        c.key.n_chain = PROTO_CHAIN_MAX + 1;
        c.results[0].send_key = true;
        publish(&c);
        assert_int_equal(get_profile(&c, "alpha").state, PROTO_STATE_UNAVAILABLE);
        assert_int_equal(get_profile(&c, "alpha").generation, 0);
        assert_int_equal(count(&c, MSG_PROFILE), 2);
        /* The signer gets nothing of it, and root and the journal are told. */
        assert_int_equal(c.results[0].generation, 0);
        assert_false(c.results[0].send_key);
        assert_true(c.results[0].key_failed && c.results[0].failure.verdict == VERDICT_LIMIT);
        assert_int_equal(c.results[0].what, ADMIN_WHAT_FAILED);
}

static void assert_connection_unavailable(Case *c, const char *reason) {
        MsgConnection m;

        publish(c);
        m = get_connection(c, "one");
        assert_int_equal(m.state, PROTO_STATE_UNAVAILABLE);
        if (!memmem(m.reason.data, m.reason.size, reason, strlen(reason)))
                fail_msg("no \"%s\" in the reason", reason);
        assert_int_equal(get_connection(c, "two").state, PROTO_STATE_READY);
        case_done(c);
}

static void test_connections(void **state _unused_) {
        static HeaderConfig headers[PROTO_LIST_MAX];
        static char long_value[PROTO_VALUE_MAX + 1];
        Case c;

        make_case(&c);
        c.connections[0].broken = true;
        c.connections[0].reason = (char *) "file:3: bad\nvalue";
        c.connections[0].profile = c.connections[0].host = NULL;
        assert_connection_unavailable(&c, "file:3: bad?value");

        make_case(&c);
        c.connections[0].profile = (char *) "gamma";
        assert_connection_unavailable(&c, "there is no profile \"gamma\"");

        make_case(&c);
        c.profiles[0].applies = false;
        assert_connection_unavailable(&c, "\"alpha\" does not apply");

        make_case(&c);
        c.connections[0].base_path = (char *) "/a\x01";
        assert_connection_unavailable(&c, "can be handed on");

        /* 64 values of 8 KiB are more than a record. */
        make_case(&c);
        memset(long_value, 'x', PROTO_VALUE_MAX);
        for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
                headers[i] = (HeaderConfig) {(char *) "X-A", long_value};
        c.connections[0].headers = headers;
        c.connections[0].n_headers = ARRAY_SIZE(headers);
        assert_connection_unavailable(&c, "can be handed on");
}

static void test_left_out(void **state _unused_) {
        _cleanup_(case_done) Case c;
        char name[PROTO_NAME_MAX + 2];

        make_case(&c);
        c.connections[0].applies = false;
        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = 0;
        c.connections[1].alias = name;
        publish(&c);
        assert_int_equal(count(&c, MSG_CONNECTION), 0);
}

static void test_pins(void **state _unused_) {
        static const char *const bad[] = {"", "AAAA", PIN "AAAA",
                                          "!AECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8A"};
        uint8_t storage[PROTO_LIST_MAX][PROTO_PIN_SIZE];
        TextList list;

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_int_equal(publish_pins((char *[]) {(char *) bad[i], NULL}, storage, &list), -EINVAL);
        assert_int_equal(publish_pins(NULL, storage, &list), 0);
        assert_int_equal(list.n_items, 0);
}

static void test_destination(void **state _unused_) {
        char text[ROLE_DESTINATION_MAX + 1], host[ROLE_DESTINATION_MAX + 1];
        ConnectionConfig c = {.host = (char *) "h", .port = 443};

        assert_true(publish_destination(&c, text));
        assert_string_equal(text, "h:443");
        memset(host, 'x', sizeof(host) - 1);
        host[sizeof(host) - 1] = 0;
        c.host = host;
        assert_false(publish_destination(&c, text));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whole),       cmocka_unit_test(test_large_set),   cmocka_unit_test(test_crls),
                cmocka_unit_test(test_kept),        cmocka_unit_test(test_unavailable), cmocka_unit_test(test_chain_too_long),
                cmocka_unit_test(test_connections), cmocka_unit_test(test_left_out),    cmocka_unit_test(test_pins),
                cmocka_unit_test(test_destination),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
