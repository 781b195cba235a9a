/* SPDX-License-Identifier: Apache-2.0 */

/* TLS 1.2: each rule about the messages, broken alone */

#include "tests/unit/keyd/verifier/refusal.h"

/* transcript-malformed */

static void bad_status(Draft *d) {
        draft_insert(d, 3, HANDSHAKE_CERTIFICATE_STATUS, BYTES("\x02\x00\x00\x01\x30"));
}

static void long_status(Draft *d) {
        draft_insert(d, 3, HANDSHAKE_CERTIFICATE_STATUS, BYTES("\x01\x00\x00\x01\x30\x00"));
}

static void done_with_content(Draft *d) {
        draft_replace(draft_find(d, HANDSHAKE_SERVER_HELLO_DONE, 0), 0, 0, BYTES("\x00"));
}

static void exchange_long(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CLIENT_KEY_EXCHANGE, 0);

        draft_replace(m, m->body.size, 0, BYTES("\x00"));
}

static void server_exchange_long(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_SERVER_KEY_EXCHANGE, 0);

        draft_replace(m, m->body.size, 0, BYTES("\x00"));
}

static void request_odd(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0);

        draft_replace(m, 0, m->body.size, BYTES("\x01\x40\x00\x03\x04\x03\x05\x00\x00"));
}

static void request_bad_names(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0);

        draft_replace(m, 0, m->body.size, BYTES("\x01\x40\x00\x02\x04\x03\x00\x03\x00\x02\x30"));
}

static void certificate_long(Draft *d) {
        append_byte(draft_find(d, HANDSHAKE_CERTIFICATE, 0));
}

static void client_loose_byte(Draft *d) {
        append_to_list(draft_find(d, HANDSHAKE_CERTIFICATE, 1), 0);
}

/* sequence */

static void no_request(Draft *d) {
        draft_remove(d, draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0));
}

static void no_exchange(Draft *d) {
        draft_remove(d, draft_find(d, HANDSHAKE_CLIENT_KEY_EXCHANGE, 0));
}

static void ticket(Draft *d) {
        draft_insert(d, 2, 4, BYTES(""));
}

static void already_signed(Draft *d) {
        draft_insert(d, d->n_messages, HANDSHAKE_CERTIFICATE_VERIFY, BYTES("\x04\x03\x00\x00"));
}

static void many(Draft *d) {
        for (unsigned i = 0; i < 4; i++)
                draft_insert(d, d->n_messages, HANDSHAKE_FINISHED, BYTES("\x00"));
}

static void retry_in_1_2(Draft *d) {
        draft_replace(server_hello(d), 2, 32,
                      BYTES("\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8\x91"
                            "\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c"));
}

/* version */

static void hello_old(Draft *d) {
        set(client_hello(d), 1, 0x02);
}

static void hello_only_1_3(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x02\x03\x04"));
}

static void server_old(Draft *d) {
        set(server_hello(d), 1, 0x02);
}

static void server_versions(Draft *d) {
        draft_add_extension(server_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x03\x04"));
}

static void downgraded(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x04\x03\x04\x03\x03"));
        draft_replace(server_hello(d), 2 + 24, 8, BYTES("DOWNGRD\x01"));
}

static void downgraded_to_1_1(Draft *d) {
        draft_replace(server_hello(d), 2 + 24, 8, BYTES("DOWNGRD\x00"));
}

/* resumption */

static void same_session(Draft *d) {
        Span id = BYTES("\x04same");

        draft_replace(client_hello(d), 34, 1 + (size_t) client_hello(d)->body.data[34], id);
        draft_replace(server_hello(d), 34, 1 + (size_t) server_hello(d)->body.data[34], id);
}

/* post-handshake */

static void client_renegotiates(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_RENEGOTIATION_INFO, BYTES("\x01\x00"));
}

static void client_silent(Draft *d) {
        DraftMessage *m = client_hello(d);
        size_t at = draft_suite_offset(m), n = (size_t) m->body.data[at] << 8 | m->body.data[at + 1];

        for (size_t i = at + 2; i < at + 2 + n; i += 2)
                if (m->body.data[i] == 0x00 && m->body.data[i + 1] == 0xff)
                        set(m, i + 1, 0xfe);
        draft_set_extension(m, EXTENSION_RENEGOTIATION_INFO, (Span) {});
}

static void server_renegotiates(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_RENEGOTIATION_INFO, BYTES("\x01\x00"));
}

static void server_silent(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_RENEGOTIATION_INFO, (Span) {});
}

/* cipher */

static void choose(Draft *d, const char *suite) {
        draft_replace(client_hello(d), draft_suite_offset(client_hello(d)) + 2, 2, span_make(suite, 2));
        draft_replace(server_hello(d), draft_suite_offset(server_hello(d)), 2, span_make(suite, 2));
}

static void static_rsa(Draft *d) {
        choose(d, "\x00\x9c");
}

static void cbc(Draft *d) {
        choose(d, "\xc0\x09");
}

static void suite_of_1_3(Draft *d) {
        choose(d, "\x13\x01");
}

static void suite_not_offered(Draft *d) {
        DraftMessage *m = client_hello(d);
        size_t at = draft_suite_offset(m);

        draft_replace(m, at, 2 + ((size_t) m->body.data[at] << 8 | m->body.data[at + 1]), BYTES("\x00\x04\xc0\x2f\x00\xff"));
}

static void client_without_ems(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_EXTENDED_MASTER_SECRET, (Span) {});
}

static void server_without_ems(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_EXTENDED_MASTER_SECRET, (Span) {});
}

/* sni, alpn */

static void other_name(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME,
                            BYTES("\x00\x07\x00\x00\x04"
                                  "evil"));
}

static void no_name(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME, (Span) {});
}

static void chosen_not_offered(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_ALPN, BYTES("\x00\x05\x04imap"));
}

/* server-signature; the scheme and the key have their own program */

static void explicit_curve(Draft *d) {
        set(draft_find(d, HANDSHAKE_SERVER_KEY_EXCHANGE, 0), 0, 1);
}

static void group_not_offered(Draft *d) {
        set(draft_find(d, HANDSHAKE_SERVER_KEY_EXCHANGE, 0), 2, 0x77);
}

static void suite_for_rsa(Draft *d) {
        choose(d, "\xc0\x2f");
}

static void client_random(Draft *d) {
        set(client_hello(d), 2 + 7, (uint8_t) (client_hello(d)->body.data[2 + 7] ^ 1));
}

static void server_random(Draft *d) {
        set(server_hello(d), 2 + 7, (uint8_t) (server_hello(d)->body.data[2 + 7] ^ 1));
}

static void params(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_SERVER_KEY_EXCHANGE, 0);

        set(m, 7, (uint8_t) (m->body.data[7] ^ 1));
}

/* client-certificate */

static void client_other(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE, 1);

        set(m, m->body.size - 4, (uint8_t) (m->body.data[m->body.size - 4] ^ 1));
}

static void client_none(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE, 1);

        draft_replace(m, 0, m->body.size, BYTES("\x00\x00\x00"));
}

static const Refusal table[] = {
        {REFUSAL_TRANSCRIPT_MALFORMED, "CertificateStatus", bad_status},
        {REFUSAL_TRANSCRIPT_MALFORMED, "CertificateStatus", long_status},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ServerHelloDone", done_with_content},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientKeyExchange", exchange_long},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ServerKeyExchange", server_exchange_long, .as_recorded = true},
        {REFUSAL_TRANSCRIPT_MALFORMED, "CertificateRequest", request_odd},
        {REFUSAL_TRANSCRIPT_MALFORMED, "CertificateRequest", request_bad_names},
        {REFUSAL_TRANSCRIPT_MALFORMED, "server's Certificate", certificate_long},
        {REFUSAL_TRANSCRIPT_MALFORMED, "client's Certificate", client_loose_byte},
        {REFUSAL_SEQUENCE, "has CertificateRequest", no_request},
        {REFUSAL_SEQUENCE, "has ClientKeyExchange", no_exchange},
        {REFUSAL_SEQUENCE, "is NewSessionTicket", ticket},
        {REFUSAL_SEQUENCE, "is CertificateVerify", already_signed},
        {REFUSAL_SEQUENCE, "has nothing more", many},
        {REFUSAL_SEQUENCE, "is HelloRetryRequest", retry_in_1_2},
        {REFUSAL_VERSION, "does not offer TLS 1.2", hello_old},
        {REFUSAL_VERSION, "does not offer TLS 1.2", hello_only_1_3},
        {REFUSAL_VERSION, "did not choose TLS 1.2", server_old},
        {REFUSAL_VERSION, "did not choose TLS 1.2", server_versions},
        {REFUSAL_VERSION, "pushed down", downgraded},
        {REFUSAL_VERSION, "pushed down", downgraded_to_1_1},
        {REFUSAL_RESUMPTION, "resumed", same_session},
        {REFUSAL_POST_HANDSHAKE, "renegotiation", client_renegotiates},
        {REFUSAL_POST_HANDSHAKE, "renegotiation", client_silent},
        {REFUSAL_POST_HANDSHAKE, "renegotiation", server_renegotiates},
        {REFUSAL_POST_HANDSHAKE, "renegotiation", server_silent},
        {REFUSAL_CIPHER, "0x009c is not allowed", static_rsa},
        {REFUSAL_CIPHER, "0xc009 is not allowed", cbc},
        {REFUSAL_CIPHER, "0x1301 is not allowed", suite_of_1_3},
        {REFUSAL_CIPHER, "does not offer", suite_not_offered},
        {REFUSAL_CIPHER, "extended_master_secret", client_without_ems},
        {REFUSAL_CIPHER, "extended_master_secret", server_without_ems},
        {REFUSAL_SNI, "names \"evil\"", other_name},
        {REFUSAL_SNI, "has no server_name", no_name},
        {REFUSAL_ALPN, "not offered", chosen_not_offered},
        {REFUSAL_SERVER_SIGNATURE, "named group", explicit_curve},
        {REFUSAL_SERVER_SIGNATURE, "named group", group_not_offered},
        {REFUSAL_SERVER_SIGNATURE, "cipher suite 0xc02f does not fit", suite_for_rsa},
        {REFUSAL_SERVER_SIGNATURE, "not of this handshake", client_random, .as_recorded = true},
        {REFUSAL_SERVER_SIGNATURE, "not of this handshake", server_random, .as_recorded = true},
        {REFUSAL_SERVER_SIGNATURE, "not of this handshake", params, .as_recorded = true},
        {REFUSAL_CLIENT_CERTIFICATE, "another certificate", client_other},
        {REFUSAL_CLIENT_CERTIFICATE, "message is empty", client_none},
};

static void test_rules(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_2, table, ARRAY_SIZE(table));
}

static void good_status(Draft *d) {
        draft_insert(d, 3, HANDSHAKE_CERTIFICATE_STATUS, BYTES("\x01\x00\x00\x01\x30"));
}

/* A client that offers TLS 1.2 alone is told by the server that it could do better: no attack. */
static void server_could_1_3(Draft *d) {
        draft_replace(server_hello(d), 2 + 24, 8, BYTES("DOWNGRD\x01"));
}

static const Refusal accepted[] = {
        {.edit = good_status},
        {.edit = server_could_1_3},
};

static void test_accepted(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_2, accepted, ARRAY_SIZE(accepted));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_accepted),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
