#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the stages of check_handshake() share
 *
 * Each stage is one row of the table in docs/signing.md. Return of all: 0, 1 when refused (by refuse() only), -errno
 */

#include "keyd/verifier/check.h"
#include "keyd/verifier/flight.h"
#include "keyd/verifier/hello.h"
#include "keyd/verifier/transcript.h"

typedef struct CipherSuite {
        uint16_t code;
        uint16_t version; /* TLS_VERSION_* it belongs to */
        size_t hash_size; /* of the transcript hash: 32 or 48 */
        bool rsa;         /* TLS 1.2: the server's key is RSA */
} CipherSuite;

typedef struct Check {
        /* what was given */
        const CheckPolicy *policy;
        ChainCache *cache;
        int64_t now;
        uint16_t version, scheme;

        /* what the messages say; those of another version stay empty */
        Transcript transcript;
        size_t n_client_hellos; /* 2 after a HelloRetryRequest */
        ClientHello client_hellos[2];
        ServerHello hello_retry_request;
        ServerHello server_hello;
        EncryptedExtensions encrypted_extensions;
        CertificateRequest certificate_request;
        CertificateList server_certificates, client_certificates;
        DigitallySigned certificate_verify;
        ServerKeyExchange server_key_exchange;

        /* what was found */
        const CipherSuite *suite; /* NULL: none that we sign for */
        VerifiedChain server;
        uint8_t transcript_hash[48]; /* TLS 1.3 */

        CheckResult *result;
} Check;

/* The last ClientHello: the one that ServerHello answers. */
static inline const ClientHello *check_client_hello(const Check *c) {
        return &c->client_hellos[c->n_client_hellos - 1];
}

/* Returns 1. Bytes of the text that are not printable ASCII become '?'; it is cut to what fits. */
int refuse(Check *c, RefusalCode code, const char *format, ...) _printf_(3, 4) _must_check_;

/* What "%.*s" takes, cut to what is sensible in a sentence. */
#define SPAN_ARG(s) (int) MIN_OF((s).size, 80U), (s).size > 0 ? (const char *) (s).data : ""

bool name_equal(Span a, Span b); /* ASCII letters without case */

/* check-transcript.c */
int check_transcript(Check *c) _must_check_;

/* check-hello.c */
const CipherSuite *cipher_suite_find(uint16_t code, uint16_t version);
int check_version(Check *c) _must_check_;
int check_resumption(Check *c) _must_check_;
int check_post_handshake(Check *c) _must_check_;
int check_cipher(Check *c) _must_check_;

/* check-name.c */
int check_sni(Check *c) _must_check_;
int check_alpn(Check *c) _must_check_;

/* check-certificate.c, check-chain.c */
int check_server_certificate(Check *c) _must_check_;
int check_chain(Check *c, STACK_OF(X509) *certificates, int64_t *ret_not_after) _must_check_;

/* check-signature.c */
int check_server_signature(Check *c) _must_check_;

/* check-client.c */
int check_client_certificate(Check *c) _must_check_;
int check_scheme(Check *c) _must_check_;
