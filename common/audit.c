/* SPDX-License-Identifier: Apache-2.0 */

#include "common/audit.h"

#include "common/msg-refusal.h"
#include "common/parse.h"

#define REFUSALS_PER_SECOND 20U

typedef struct SchemeName {
        uint16_t scheme;
        const char *name;
} SchemeName;

/* RFC 8446, 4.2.3 */
static const SchemeName scheme_names[] = {
        {TLS_SCHEME_RSA_PKCS1_SHA256, "rsa_pkcs1_sha256"},
        {TLS_SCHEME_RSA_PKCS1_SHA384, "rsa_pkcs1_sha384"},
        {TLS_SCHEME_RSA_PKCS1_SHA512, "rsa_pkcs1_sha512"},
        {TLS_SCHEME_ECDSA_SECP256R1_SHA256, "ecdsa_secp256r1_sha256"},
        {TLS_SCHEME_ECDSA_SECP384R1_SHA384, "ecdsa_secp384r1_sha384"},
        {TLS_SCHEME_ECDSA_SECP521R1_SHA512, "ecdsa_secp521r1_sha512"},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA256, "rsa_pss_rsae_sha256"},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA384, "rsa_pss_rsae_sha384"},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA512, "rsa_pss_rsae_sha512"},
        {TLS_SCHEME_ED25519, "ed25519"},
        {TLS_SCHEME_ED448, "ed448"},
        {TLS_SCHEME_RSA_PSS_PSS_SHA256, "rsa_pss_pss_sha256"},
        {TLS_SCHEME_RSA_PSS_PSS_SHA384, "rsa_pss_pss_sha384"},
        {TLS_SCHEME_RSA_PSS_PSS_SHA512, "rsa_pss_pss_sha512"},
};

const char *audit_scheme_to_string(uint16_t scheme, char ret[32]) {
        for (size_t i = 0; i < ARRAY_SIZE(scheme_names); i++)
                if (scheme_names[i].scheme == scheme)
                        return scheme_names[i].name;

        snprintf(ret, 32, "0x%04x", scheme);
        return ret;
}

static void add_text(LogRecord *rec, const char *name, Span value) {
        if (value.size > 0)
                log_record_add(rec, name, "%.*s", (int) value.size, (const char *) value.data);
}

static void add_sha256(LogRecord *rec, const char *name, const uint8_t *digest) {
        char hex[65];

        if (!digest)
                return;
        hex_encode(digest, 32, hex);
        log_record_add(rec, name, "%s", hex);
}

static const char *version_to_string(uint16_t version) {
        return version == TLS_VERSION_1_3 ? "1.3" : version == TLS_VERSION_1_2 ? "1.2" : "unknown";
}

static void add_request(LogRecord *rec, const AuditRequest *a) {
        char scheme[32];

        add_text(rec, "MIDTLS_ALIAS", a->alias);
        add_text(rec, "MIDTLS_PROFILE", a->profile);
        log_record_add(rec, "MIDTLS_GENERATION", "%llu", (unsigned long long) a->generation);
        add_text(rec, "MIDTLS_CALL_ID", a->call_id);
        add_text(rec, "MIDTLS_DESTINATION", a->destination);
        log_record_add(rec, "MIDTLS_TLS_VERSION", "%s", version_to_string(a->tls_version));
        log_record_add(rec, "MIDTLS_SIGNATURE_SCHEME", "%s", audit_scheme_to_string(a->scheme, scheme));
        add_sha256(rec, "MIDTLS_TRANSCRIPT_SHA256", a->transcript_sha256);
        add_sha256(rec, "MIDTLS_SERVER_SPKI_SHA256", a->server_spki_sha256);
        add_sha256(rec, "MIDTLS_CLIENT_CERT_SHA256", a->client_sha256);
}

void audit_signature(const AuditRequest *a) {
        LogRecord rec;

        log_record_init(&rec, PRIORITY_INFO, EVENT_SIGNATURE);
        add_request(&rec, a);
        log_record_send(&rec, "Signed for %.*s at %.*s", (int) a->alias.size, (const char *) a->alias.data, (int) a->destination.size,
                        (const char *) a->destination.data);
}

/* Return: whether this one is written; *ret_left_out: how many were not since the last that was. */
static bool take_turn(unsigned *ret_left_out) {
        static uint64_t second;
        static unsigned n_written, n_left_out;
        uint64_t now = now_usec() / USEC_PER_SEC;

        if (now != second) {
                second = now;
                n_written = 0;
        }
        if (n_written >= REFUSALS_PER_SECOND) {
                n_left_out++;
                return false;
        }

        n_written++;
        *ret_left_out = n_left_out;
        n_left_out = 0;
        return true;
}

void audit_refusal(const AuditRequest *a, RefusalCode code, Span sentence) {
        unsigned n_left_out;
        LogRecord rec;

        if (!take_turn(&n_left_out))
                return;

        log_record_init(&rec, PRIORITY_WARNING, EVENT_SIGNATURE_REFUSED);
        log_record_add(&rec, "MIDTLS_VERDICT", "refused");
        log_record_add(&rec, "MIDTLS_REASON", "%s", refusal_code_to_string(code));
        log_record_add(&rec, "MIDTLS_HINT", "%s", refusal_code_hint(code));
        add_request(&rec, a);
        if (n_left_out > 0)
                log_record_add(&rec, "MIDTLS_REFUSALS_LEFT_OUT", "%u", n_left_out);
        log_record_send(&rec, "Refused to sign for %.*s (%s): %.*s", (int) a->alias.size, (const char *) a->alias.data, refusal_code_to_string(code),
                        (int) sentence.size, (const char *) sentence.data);
}
