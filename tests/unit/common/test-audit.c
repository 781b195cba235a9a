/* SPDX-License-Identifier: Apache-2.0 */

#include <jansson.h>
#include <poll.h>
#include <string.h>

#include "common/audit.h"
#include "common/msg-refusal.h"
#include "tests/unit/lib/capture.h"
#include "tests/unit/lib/unit.h"

#define DIGEST "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
#define HEX "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static const AuditRequest request = {
        .alias = SPAN_LITERAL("crm"),
        .profile = SPAN_LITERAL("bank"),
        .generation = 3,
        .call_id = SPAN_LITERAL("id"),
        .destination = SPAN_LITERAL("crm.example:443"),
        .tls_version = TLS_VERSION_1_3,
        .scheme = TLS_SCHEME_RSA_PSS_RSAE_SHA256,
        .transcript_sha256 = (const uint8_t *) DIGEST,
        .server_spki_sha256 = (const uint8_t *) DIGEST,
        .client_sha256 = (const uint8_t *) DIGEST,
};

static json_t *take_line(Capture *c) {
        _cleanup_(buf_done) Buf b = BUF_INIT(64 * 1024);
        json_t *j;

        capture_end(c, &b);
        j = json_loads((char *) b.data, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(j);
        return j;
}

static void check_member(const json_t *j, const char *name, const char *wanted) {
        const char *value = json_string_value(json_object_get(j, name));

        if (!wanted) {
                assert_null(value);
                return;
        }
        assert_non_null(value);
        assert_string_equal(value, wanted);
}

static void check_request(const json_t *j) {
        check_member(j, "MIDTLS_ALIAS", "crm");
        check_member(j, "MIDTLS_PROFILE", "bank");
        check_member(j, "MIDTLS_GENERATION", "3");
        check_member(j, "MIDTLS_CALL_ID", "id");
        check_member(j, "MIDTLS_DESTINATION", "crm.example:443");
        check_member(j, "MIDTLS_TLS_VERSION", "1.3");
        check_member(j, "MIDTLS_SIGNATURE_SCHEME", "rsa_pss_rsae_sha256");
        check_member(j, "MIDTLS_TRANSCRIPT_SHA256", HEX);
        check_member(j, "MIDTLS_SERVER_SPKI_SHA256", HEX);
        check_member(j, "MIDTLS_CLIENT_CERT_SHA256", HEX);
}

static void test_signature(void **state) {
        Capture c = capture_begin();
        json_t *j;

        log_open("keyd", LOG_TARGET_JSON);
        audit_signature(&request);
        j = take_line(&c);
        check_request(j);
        check_member(j, "MESSAGE", "Signed for crm at crm.example:443");
        check_member(j, "MIDTLS_EVENT", "signature");
        check_member(j, "PRIORITY", "6");
        json_decref(j);
}

static void test_refusal(void **state) {
        Capture c = capture_begin();
        json_t *j;

        log_open("keyd", LOG_TARGET_JSON);
        audit_refusal(&request, REFUSAL_SNI, SPAN_LITERAL("another host"));
        j = take_line(&c);
        check_request(j);
        check_member(j, "MESSAGE", "Refused to sign for crm (sni): another host");
        check_member(j, "MIDTLS_EVENT", "signature-refused");
        check_member(j, "MIDTLS_VERDICT", "refused");
        check_member(j, "MIDTLS_REASON", "sni");
        check_member(j, "MIDTLS_HINT", refusal_code_hint(REFUSAL_SNI));
        check_member(j, "MIDTLS_REFUSALS_LEFT_OUT", NULL);
        check_member(j, "PRIORITY", "4");
        json_decref(j);
}

/* Hardly anything is known of a request that was malformed. */
static void test_little_known(void **state) {
        Capture c = capture_begin();
        json_t *j;

        log_open("keyd", LOG_TARGET_JSON);
        audit_refusal(&(AuditRequest) {.alias = SPAN_LITERAL("\"\n")}, REFUSAL_TRANSCRIPT_MALFORMED, (Span) {});
        j = take_line(&c);
        check_member(j, "MIDTLS_ALIAS", "\"\n");
        check_member(j, "MIDTLS_PROFILE", NULL);
        check_member(j, "MIDTLS_DESTINATION", NULL);
        check_member(j, "MIDTLS_TLS_VERSION", "unknown");
        check_member(j, "MIDTLS_SIGNATURE_SCHEME", "0x0000");
        check_member(j, "MIDTLS_TRANSCRIPT_SHA256", NULL);
        json_decref(j);
}

/* Refuses @n times. Return: how many records were written; adds to *left_out what they say was not */
static unsigned refuse(unsigned n, unsigned *left_out) {
        _cleanup_(buf_done) Buf b = BUF_INIT(1024 * 1024);
        Capture c = capture_begin();
        unsigned n_written = 0;
        char *line, *rest;

        for (unsigned i = 0; i < n; i++)
                audit_refusal(&request, REFUSAL_REPLAY, SPAN_LITERAL("x"));
        capture_end(&c, &b);
        rest = (char *) b.data;
        while ((line = strsep(&rest, "\n")) && *line) {
                json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
                const char *count = json_string_value(json_object_get(j, "MIDTLS_REFUSALS_LEFT_OUT"));

                *left_out += count ? (unsigned) strtoul(count, NULL, 10) : 0;
                n_written++;
                json_decref(j);
        }
        return n_written;
}

/* 20 a second, and nothing silently: the next record that is written says how many were not. */
static void test_refusals_are_bounded(void **state) {
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);
        unsigned left_out = 0, n_before, n_later = 0, n_asked = 200;

        log_open("keyd", LOG_TARGET_JSON);
        n_before = refuse(n_asked, &left_out);
        /* The calls may have fallen into two seconds, or three on a machine that is very busy. */
        assert_in_range(n_before, 17, 60);

        while (n_later == 0 && now_usec() < deadline) {
                poll(NULL, 0, 20);
                n_later = refuse(1, &left_out);
                n_asked++;
        }
        assert_int_equal(n_later, 1);
        assert_int_equal(n_before + n_later + left_out, n_asked);
}

static void test_schemes(void **state) {
        char text[32];

        assert_string_equal(audit_scheme_to_string(TLS_SCHEME_ED25519, text), "ed25519");
        assert_string_equal(audit_scheme_to_string(TLS_SCHEME_ECDSA_SECP256R1_SHA256, text), "ecdsa_secp256r1_sha256");
        assert_string_equal(audit_scheme_to_string(0x0201, text), "0x0201");
        assert_string_equal(audit_scheme_to_string(0xffff, text), "0xffff");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signature),    cmocka_unit_test(test_refusal),
                cmocka_unit_test(test_little_known), cmocka_unit_test(test_refusals_are_bounded),
                cmocka_unit_test(test_schemes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
