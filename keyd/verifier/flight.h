#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The messages that follow the hellos, in both versions' forms; borrow the transcript */

#include "common/proto.h"
#include "keyd/verifier/extension.h"

/* More certificates than this are not read; it bounds what a hostile server makes us parse. */
#define CERTIFICATES_MAX 12U

typedef struct CertificateList {
        Span context; /* certificate_request_context, TLS 1.3 */
        Span certificates[CERTIFICATES_MAX];
        size_t n_certificates; /* may be more than were kept */
} CertificateList;

typedef struct CertificateRequest {
        Span context;              /* TLS 1.3 */
        Span signature_algorithms; /* two bytes each; data is NULL when absent */
} CertificateRequest;

/* TLS 1.3: CertificateVerify; TLS 1.2: digitally-signed */
typedef struct DigitallySigned {
        uint16_t scheme;
        Span signature;
} DigitallySigned;

typedef struct ServerKeyExchange {
        uint8_t curve_type;
        uint16_t named_curve;
        Span params; /* ServerECDHParams as they were signed */
        DigitallySigned by;
} ServerKeyExchange;

/* @version: TLS_VERSION_*. Return of all: 0 or WIRE_E_MALFORMED */
int certificate_list_decode(Span body, uint16_t version, CertificateList *ret) _must_check_;
int certificate_request_decode(Span body, uint16_t version, CertificateRequest *ret) _must_check_;
int certificate_verify_decode(Span body, DigitallySigned *ret) _must_check_;
int certificate_status_check(Span body) _must_check_;
int server_key_exchange_decode(Span body, ServerKeyExchange *ret) _must_check_;
int client_key_exchange_check(Span body) _must_check_;
