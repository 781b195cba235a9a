#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The audit trail's two records of keyd: `signature` and `signature-refused`
 *
 * Refusals are bounded per second; what was left out is said with a count by the next one, never silently.
 */

#include "common/log.h"
#include "common/proto.h"
#include "common/span.h"

typedef struct AuditRequest {
        Span alias;
        Span profile; /* empty when not known */
        uint64_t generation;
        Span call_id;
        Span destination; /* empty when not known */
        uint16_t tls_version;
        uint16_t scheme;
        const uint8_t *transcript_sha256;  /* 32 bytes, or NULL */
        const uint8_t *server_spki_sha256; /* 32 bytes, or NULL */
        const uint8_t *client_sha256;      /* 32 bytes: of the client certificate's DER, or NULL */
} AuditRequest;

void audit_signature(const AuditRequest *a);
void audit_refusal(const AuditRequest *a, RefusalCode code, Span sentence);

/* "rsa_pss_rsae_sha256", RFC 8446, 4.2.3; "0x1234" into @ret, which has room for 32, for any other. */
const char *audit_scheme_to_string(uint16_t scheme, char ret[32]);
