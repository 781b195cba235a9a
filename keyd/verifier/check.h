#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The check of a TLS handshake before anything is signed: docs/signing.md says which rules there are
 *
 * No key, no file, no network, no logging: bytes in, a verdict out. Everything in a transcript is hostile.
 */

#include <openssl/x509.h>

#include "common/msg-list.h"
#include "common/proto.h"
#include "keyd/verifier/chain-cache.h"

/* What the connection and its profile allow. Borrowed for the call. */
typedef struct CheckPolicy {
        Span profile; /* with generation: whose entries of the cache may be used */
        uint64_t generation;
        Span host;                     /* of the connection: a DNS name or an IP address */
        const TextList *allowed_names; /* further DNS names, may be empty */
        const TextList *pins;          /* PROTO_PIN_SIZE bytes each: SHA-256 of the leaf's SubjectPublicKeyInfo; empty: none */
        uint16_t minimum_tls;          /* TLS_VERSION_* */
        X509_STORE *store;             /* the profile's CA certificates, with its CRLs when it has any */
        bool has_crls;                 /* every certificate below the root must be covered by one */
        X509 *client_leaf;             /* of the profile's generation */
} CheckPolicy;

/* What was found. */
typedef struct CheckResult {
        RefusalCode code;                           /* when refused */
        char sentence[256];                         /* when refused: what was wrong, for people; printable ASCII */
        uint8_t server_spki_sha256[PROTO_PIN_SIZE]; /* when accepted */
        uint8_t transcript_hash[48];                /* when accepted, TLS 1.3: Transcript-Hash up to the client's Certificate */
        size_t transcript_hash_size;                /* 32 or 48; 0 for TLS 1.2, where the transcript itself is signed */
} CheckResult;

/*
 * Checks @transcript, which came from calld, as did @tls_version and @scheme. @now: seconds since 1970. @cache may be NULL.
 *
 * Return: 0 when it may be signed; 1 when not, with code and sentence in *ret; -errno for our own failure
 */
int check_handshake(const CheckPolicy *p, ChainCache *cache, int64_t now, uint16_t tls_version, uint16_t scheme, Span transcript, CheckResult *ret)
        _must_check_;
