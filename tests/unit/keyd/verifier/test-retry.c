/* SPDX-License-Identifier: Apache-2.0 */

/* TLS 1.3 with HelloRetryRequest: what it allows to change, and no more */

#include "tests/unit/keyd/verifier/refusal.h"

static void second_hello_extension_twice(Draft *d) {
        draft_add_extension(second_hello(d), EXTENSION_KEY_SHARE, BYTES("\x00\x00"));
}

static void retry_extension_twice(Draft *d) {
        draft_add_extension(draft_find(d, HANDSHAKE_SERVER_HELLO, 0), EXTENSION_KEY_SHARE, BYTES("\x00\x18"));
}

static void retry_twice(Draft *d) {
        Buf again = BUF_INIT(DRAFT_MAX);

        assert_int_equal(buf_append(&again, d->messages[1].body.data, d->messages[1].body.size), 0);
        draft_insert(d, 3, HANDSHAKE_SERVER_HELLO, buf_span(&again));
        buf_done(&again);
}

static void retry_unanswered(Draft *d) {
        draft_remove(d, second_hello(d));
}

static void second_hello_version(Draft *d) {
        set(second_hello(d), 1, 0x02);
}

static void second_hello_session(Draft *d) {
        DraftMessage *m = second_hello(d);

        set(m, 35, (uint8_t) (m->body.data[35] ^ 1));
}

static void second_hello_compression(Draft *d) {
        DraftMessage *m = second_hello(d);
        size_t at = draft_suite_offset(m);

        draft_replace(m, at + 2 + ((size_t) m->body.data[at] << 8 | m->body.data[at + 1]), 2, BYTES("\x02\x00\x01"));
}

static void second_hello_suites(Draft *d) {
        DraftMessage *m = second_hello(d);

        set(m, draft_suite_offset(m) + 7, 0x77);
}

static void second_hello_random(Draft *d) {
        set(second_hello(d), 2 + 31, 0x5a);
        set(client_hello(d), 2 + 31, 0xa5);
}

static void second_hello_less(Draft *d) {
        draft_set_extension(second_hello(d), EXTENSION_ALPN, (Span) {});
}

static void second_hello_more(Draft *d) {
        draft_add_extension(second_hello(d), 0x7000, BYTES(""));
}

static void second_hello_other_name(Draft *d) {
        draft_set_extension(second_hello(d), EXTENSION_SERVER_NAME,
                            BYTES("\x00\x07\x00\x00\x04"
                                  "evil"));
}

static void cookie_lost(Draft *d) {
        draft_add_extension(draft_find(d, HANDSHAKE_SERVER_HELLO, 0), EXTENSION_COOKIE, BYTES("\x00\x01\x01"));
}

static void cookie_copied(Draft *d) {
        cookie_lost(d);
        draft_add_extension(second_hello(d), EXTENSION_COOKIE, BYTES("\x00\x01\x01"));
}

static void cookie_changed(Draft *d) {
        cookie_lost(d);
        draft_add_extension(second_hello(d), EXTENSION_COOKIE, BYTES("\x00\x01\x02"));
}

static void cookie_invented(Draft *d) {
        draft_add_extension(second_hello(d), EXTENSION_COOKIE, BYTES("\x00\x01\x02"));
}

static void retry_other_suite(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_SERVER_HELLO, 0);

        set(m, draft_suite_offset(m) + 1, 0x03);
}

static void retry_other_version(Draft *d) {
        draft_set_extension(draft_find(d, HANDSHAKE_SERVER_HELLO, 0), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x03\x03"));
}

static void hello_early_data(Draft *d) {
        draft_add_extension(client_hello(d), EXTENSION_EARLY_DATA, BYTES(""));
}

static const Refusal table[] = {
        {REFUSAL_TRANSCRIPT_MALFORMED, "second ClientHello", second_hello_extension_twice, .retry = true},
        {REFUSAL_TRANSCRIPT_MALFORMED, "HelloRetryRequest", retry_extension_twice, .retry = true},
        {REFUSAL_SEQUENCE, "is HelloRetryRequest", retry_twice, .retry = true, .as_recorded = true},
        {REFUSAL_SEQUENCE, "has ClientHello", retry_unanswered, .retry = true, .as_recorded = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_version, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_session, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_compression, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_suites, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_random, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_less, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_more, .retry = true},
        {REFUSAL_SEQUENCE, "differs from the first", second_hello_other_name, .retry = true},
        {REFUSAL_SEQUENCE, "cookie", cookie_lost, .retry = true},
        {REFUSAL_SEQUENCE, "cookie", cookie_changed, .retry = true},
        {REFUSAL_SEQUENCE, "cookie", cookie_invented, .retry = true},
        {.edit = cookie_copied, .retry = true},
        {REFUSAL_SEQUENCE, "different cipher suites", retry_other_suite, .retry = true},
        {REFUSAL_VERSION, "did not choose TLS 1.3", retry_other_version, .retry = true},
        {REFUSAL_RESUMPTION, "ClientHello announces early data", hello_early_data, .retry = true},
};

static void test_retry(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_3, table, ARRAY_SIZE(table));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_retry),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
