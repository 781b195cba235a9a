/* SPDX-License-Identifier: Apache-2.0 */

/* TLS 1.3: each rule about the messages, broken alone */

#include "tests/unit/keyd/verifier/refusal.h"

/* transcript-malformed */

static void hello_odd_suites(Draft *d) {
        DraftMessage *m = client_hello(d);
        size_t at = draft_suite_offset(m);

        set(m, at + 1, (uint8_t) (m->body.data[at + 1] + 1));
        draft_replace(m, at + 2, 0, BYTES("\x13"));
}

static void hello_extension_twice(Draft *d) {
        draft_add_extension(client_hello(d), EXTENSION_ALPN, BYTES("\x00\x03\x02h2"));
}

static void hello_many_extensions(Draft *d) {
        for (unsigned i = 0; i < 60; i++)
                draft_add_extension(client_hello(d), (uint16_t) (0x7000 + i), BYTES(""));
}

static void hello_two_names(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME, BYTES("\x00\x0a\x00\x00\x02.a\x00\x00\x02.b"));
}

static void hello_other_name_type(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME, BYTES("\x00\x16\x01\x00\x13" WORLD_HOST));
}

static void hello_empty_protocol(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_ALPN, BYTES("\x00\x04\x02h2\x00"));
}

static void hello_odd_schemes(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SIGNATURE_ALGORITHMS, BYTES("\x00\x03\x04\x03\x05"));
}

/* RFC 8446, 4.1.2: at most 32 bytes; what libssl sends has 32. */
static void hello_long_session(Draft *d) {
        draft_replace(client_hello(d), 34, 1, BYTES("\x21\x07"));
        draft_replace(server_hello(d), 34, 1, BYTES("\x21\x07"));
}

static void server_long_session(Draft *d) {
        draft_replace(server_hello(d), 34, 1, BYTES("\x21\x07"));
}

static void hello_long_versions(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x02\x03\x04\x00"));
}

/* A byte behind the last extension, within their list */
static void request_loose_byte(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0);

        draft_replace(m, m->body.size, 0, BYTES("\x00"));
        set(m, 2, (uint8_t) (m->body.data[2] + 1));
}

static void server_long_version(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x03\x04\x00"));
}

static void server_full_master_secret(Draft *d) {
        draft_add_extension(server_hello(d), EXTENSION_EXTENDED_MASTER_SECRET, BYTES("\x00"));
}

static void extensions_two_protocols(Draft *d) {
        draft_set_extension(draft_find(d, HANDSHAKE_ENCRYPTED_EXTENSIONS, 0), EXTENSION_ALPN, BYTES("\x00\x06\x02h2\x02h2"));
}

static void certificate_context(Draft *d) {
        draft_replace(draft_find(d, HANDSHAKE_CERTIFICATE, 0), 0, 1, BYTES("\x01\x00"));
}

static void certificate_long(Draft *d) {
        append_byte(draft_find(d, HANDSHAKE_CERTIFICATE, 0));
}

static void certificate_loose_byte(Draft *d) {
        append_to_list(draft_find(d, HANDSHAKE_CERTIFICATE, 0), 1);
}

static void client_long(Draft *d) {
        append_byte(draft_find(d, HANDSHAKE_CERTIFICATE, 1));
}

static void client_loose_byte(Draft *d) {
        append_to_list(draft_find(d, HANDSHAKE_CERTIFICATE, 1), 1);
}

static void verify_long(Draft *d) {
        append_byte(draft_find(d, HANDSHAKE_CERTIFICATE_VERIFY, 0));
}

static void finished_short(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_FINISHED, 0);

        draft_replace(m, 32, m->body.size - 32, BYTES(""));
}

static const Refusal malformed[] = {
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_odd_suites},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_extension_twice},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_many_extensions},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_two_names},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_other_name_type},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_empty_protocol},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_odd_schemes},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_long_session},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ClientHello", hello_long_versions},
        {REFUSAL_TRANSCRIPT_MALFORMED, "CertificateRequest", request_loose_byte},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ServerHello", server_long_session},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ServerHello", server_long_version},
        {REFUSAL_TRANSCRIPT_MALFORMED, "ServerHello", server_full_master_secret},
        {REFUSAL_TRANSCRIPT_MALFORMED, "EncryptedExtensions", extensions_two_protocols},
        {REFUSAL_TRANSCRIPT_MALFORMED, "server's Certificate", certificate_context},
        {REFUSAL_TRANSCRIPT_MALFORMED, "server's Certificate", certificate_long},
        {REFUSAL_TRANSCRIPT_MALFORMED, "server's Certificate", certificate_loose_byte},
        {REFUSAL_TRANSCRIPT_MALFORMED, "client's Certificate", client_long},
        {REFUSAL_TRANSCRIPT_MALFORMED, "client's Certificate", client_loose_byte},
        {REFUSAL_TRANSCRIPT_MALFORMED, "server's CertificateVerify", verify_long, .as_recorded = true},
        {REFUSAL_TRANSCRIPT_MALFORMED, "Finished", finished_short},
};

/* sequence */

static void no_request(Draft *d) {
        draft_remove(d, draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0));
}

static void no_finished(Draft *d) {
        draft_remove(d, draft_find(d, HANDSHAKE_FINISHED, 0));
}

static void no_client_certificate(Draft *d) {
        draft_remove(d, draft_find(d, HANDSHAKE_CERTIFICATE, 1));
}

static void one_more(Draft *d) {
        draft_insert(d, d->n_messages, HANDSHAKE_FINISHED, BYTES("0123456789abcdef0123456789abcdef0123456789abcdef"));
}

static void ticket_first(Draft *d) {
        draft_insert(d, d->n_messages - 1, 4, BYTES(""));
}

static void compressed_certificate(Draft *d) {
        draft_insert(d, 4, 25, BYTES(""));
}

static const Refusal sequence[] = {
        {REFUSAL_SEQUENCE, "message 4 is Certificate where TLS 1.3 with a certificate of each side has CertificateRequest", no_request},
        {REFUSAL_SEQUENCE, "has Finished", no_finished},
        {REFUSAL_SEQUENCE, "is nothing where", no_client_certificate},
        {REFUSAL_SEQUENCE, "has nothing more", one_more},
        {REFUSAL_SEQUENCE, "is NewSessionTicket", ticket_first},
        {REFUSAL_SEQUENCE, "is CompressedCertificate", compressed_certificate},
};

/* version */

static void hello_without_1_3(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x02\x03\x03"));
}

static void hello_without_versions(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SUPPORTED_VERSIONS, (Span) {});
}

static void hello_old(Draft *d) {
        set(client_hello(d), 1, 0x01);
}

static void server_without_version(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_SUPPORTED_VERSIONS, (Span) {});
}

static void server_other_version(Draft *d) {
        draft_set_extension(server_hello(d), EXTENSION_SUPPORTED_VERSIONS, BYTES("\x03\x03"));
}

static void server_old(Draft *d) {
        set(server_hello(d), 1, 0x01);
}

static void server_other_session(Draft *d) {
        DraftMessage *m = server_hello(d);

        set(m, 35, (uint8_t) (m->body.data[35] ^ 1));
}

/* resumption */

static void server_resumes(Draft *d) {
        draft_add_extension(server_hello(d), EXTENSION_PRE_SHARED_KEY, BYTES("\x00\x00"));
}

/* A ticket was offered and not taken: a full handshake like any other */
static void hello_offers_ticket(Draft *d) {
        draft_add_extension(client_hello(d), EXTENSION_PRE_SHARED_KEY, BYTES("\x00\x07\x00\x01\x74\x00\x00\x00\x00\x00\x02\x01\x62"));
}

static void hello_early_data(Draft *d) {
        draft_add_extension(client_hello(d), EXTENSION_EARLY_DATA, BYTES(""));
}

static void server_early_data(Draft *d) {
        draft_add_extension(draft_find(d, HANDSHAKE_ENCRYPTED_EXTENSIONS, 0), EXTENSION_EARLY_DATA, BYTES(""));
}

/* post-handshake */

static void request_context(Draft *d) {
        draft_replace(draft_find(d, HANDSHAKE_CERTIFICATE_REQUEST, 0), 0, 1, BYTES("\x01\x07"));
}

/* cipher */

static void server_other_suite(Draft *d) {
        DraftMessage *m = server_hello(d), *finished = draft_find(d, HANDSHAKE_FINISHED, 0);

        /* TLS_AES_128_CCM_SHA256, offered, with a Finished of its size */
        draft_replace(client_hello(d), draft_suite_offset(client_hello(d)) + 2, 2, BYTES("\x13\x04"));
        set(m, draft_suite_offset(m) + 1, 0x04);
        draft_replace(finished, 32, finished->body.size - 32, BYTES(""));
}

static void hello_other_suite(Draft *d) {
        DraftMessage *m = client_hello(d);

        /* TLS_AES_256_GCM_SHA384 is the first that libssl offers */
        draft_replace(m, draft_suite_offset(m) + 2, 2, BYTES("\x13\x04"));
}

static void hello_compression(Draft *d) {
        DraftMessage *m = client_hello(d);
        size_t at = draft_suite_offset(m);

        at += 2 + ((size_t) m->body.data[at] << 8 | m->body.data[at + 1]);
        draft_replace(m, at, 2, BYTES("\x02\x01\x00"));
}

static void server_compression(Draft *d) {
        set(server_hello(d), draft_suite_offset(server_hello(d)) + 2, 1);
}

/* sni */

static void other_name(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME,
                            BYTES("\x00\x11\x00\x00\x0e"
                                  "other.\x07xample!"));
}

static void longer_name(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME, BYTES("\x00\x18\x00\x00\x15" WORLD_HOST "xx"));
}

static void no_name(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_SERVER_NAME, (Span) {});
}

/* alpn */

static void other_protocol(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_ALPN, BYTES("\x00\x08\x02h2\x04imap"));
}

static void chosen_not_offered(Draft *d) {
        draft_set_extension(draft_find(d, HANDSHAKE_ENCRYPTED_EXTENSIONS, 0), EXTENSION_ALPN, BYTES("\x00\x05\x04imap"));
}

static void chosen_without_offer(Draft *d) {
        draft_set_extension(client_hello(d), EXTENSION_ALPN, (Span) {});
}

/* client-certificate */

static void client_other(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE, 1);

        set(m, m->body.size - 4, (uint8_t) (m->body.data[m->body.size - 4] ^ 1));
}

static void client_none(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE, 1);

        draft_replace(m, 0, m->body.size, BYTES("\x00\x00\x00\x00"));
}

static void client_context(Draft *d) {
        draft_replace(draft_find(d, HANDSHAKE_CERTIFICATE, 1), 0, 1, BYTES("\x01\x00"));
}

static void client_many(Draft *d) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE, 1);
        size_t size;

        for (unsigned i = 0; i < 12; i++)
                draft_replace(m, m->body.size, 0, BYTES("\x00\x00\x01\x30\x00\x00"));
        size = m->body.size - 4;
        draft_replace(m, 1, 3, span_make((uint8_t[]) {0, (uint8_t) (size >> 8), (uint8_t) size}, 3));
}

static const Refusal rules[] = {
        {REFUSAL_VERSION, "does not offer TLS 1.3", hello_without_1_3},
        {REFUSAL_VERSION, "does not offer TLS 1.3", hello_without_versions},
        {REFUSAL_VERSION, "does not offer TLS 1.3", hello_old},
        {REFUSAL_VERSION, "did not choose TLS 1.3", server_without_version},
        {REFUSAL_VERSION, "did not choose TLS 1.3", server_other_version},
        {REFUSAL_VERSION, "did not choose TLS 1.3", server_old},
        {REFUSAL_VERSION, "session id", server_other_session},
        {.edit = hello_offers_ticket},
        {REFUSAL_RESUMPTION, "resumed", server_resumes},
        {REFUSAL_RESUMPTION, "ClientHello announces early data", hello_early_data},
        {REFUSAL_RESUMPTION, "server takes early data", server_early_data},
        {REFUSAL_POST_HANDSHAKE, "after the handshake", request_context},
        {REFUSAL_CIPHER, "0x1304 is not allowed", server_other_suite},
        {REFUSAL_CIPHER, "does not offer", hello_other_suite},
        {REFUSAL_CIPHER, "offers compression", hello_compression},
        {REFUSAL_CIPHER, "chose compression", server_compression},
        {REFUSAL_SNI, "names \"other.?xample!\" and not the connection's host \"" WORLD_HOST "\"", other_name},
        {REFUSAL_SNI, "and not the connection's host", longer_name},
        {REFUSAL_SNI, "has no server_name", no_name},
        {REFUSAL_ALPN, "\"imap\"; only h2", other_protocol},
        {REFUSAL_ALPN, "not offered", chosen_not_offered},
        {REFUSAL_ALPN, "not offered", chosen_without_offer},
        {REFUSAL_CLIENT_CERTIFICATE, "another certificate", client_other},
        {REFUSAL_CLIENT_CERTIFICATE, "message is empty", client_none},
        {REFUSAL_CLIENT_CERTIFICATE, "context", client_context},
        {REFUSAL_CLIENT_CERTIFICATE, "13 certificates", client_many},
};

static void test_malformed(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_3, malformed, ARRAY_SIZE(malformed));
}

static void test_sequence(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_3, sequence, ARRAY_SIZE(sequence));
}

static void test_rules(void **state) {
        (void) state;
        refusals_run(TLS_VERSION_1_3, rules, ARRAY_SIZE(rules));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_sequence),
                cmocka_unit_test(test_rules),
        };
        int r = cmocka_run_group_tests(tests, NULL, NULL);

        pki_done();
        return r;
}
