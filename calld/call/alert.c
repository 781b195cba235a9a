/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/alert.h"

typedef struct AlertRow {
        int description;
        const char *name;
        bool rejects_certificate;
} AlertRow;

/* RFC 8446, 6, and the IANA registry of TLS alerts */
static const AlertRow alert_rows[] = {
        {0, "close_notify", false},
        {10, "unexpected_message", false},
        {20, "bad_record_mac", false},
        {21, "decryption_failed", false},
        {22, "record_overflow", false},
        {30, "decompression_failure", false},
        {40, "handshake_failure", true}, /* what older servers say; before our certificate was sent it means something else */
        {41, "no_certificate", true},
        {42, "bad_certificate", true},
        {43, "unsupported_certificate", true},
        {44, "certificate_revoked", true},
        {45, "certificate_expired", true},
        {46, "certificate_unknown", true},
        {47, "illegal_parameter", false},
        {48, "unknown_ca", true},
        {49, "access_denied", true},
        {50, "decode_error", false},
        {51, "decrypt_error", true}, /* the signature of our CertificateVerify */
        {60, "export_restriction", false},
        {70, "protocol_version", false},
        {71, "insufficient_security", false},
        {80, "internal_error", false},
        {86, "inappropriate_fallback", false},
        {90, "user_canceled", false},
        {100, "no_renegotiation", false},
        {109, "missing_extension", false},
        {110, "unsupported_extension", false},
        {111, "certificate_unobtainable", false},
        {112, "unrecognized_name", false},
        {113, "bad_certificate_status_response", false},
        {114, "bad_certificate_hash_value", false},
        {115, "unknown_psk_identity", false},
        {116, "certificate_required", true},
        {120, "no_application_protocol", false},
};

static const AlertRow *alert_find(int description) {
        for (size_t i = 0; i < ARRAY_SIZE(alert_rows); i++)
                if (alert_rows[i].description == description)
                        return &alert_rows[i];
        return NULL;
}

const char *alert_to_string(int description) {
        const AlertRow *row = alert_find(description);

        return row ? row->name : "unknown";
}

bool alert_rejects_certificate(int description) {
        const AlertRow *row = alert_find(description);

        return row && row->rejects_certificate;
}
