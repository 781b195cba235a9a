#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Server chains that this connection verified a moment ago, byte for byte the same, for a minute at most
 *
 * Lives in a pool, so name, CA certificates, pins and generation are always the same. Only the building and checking of the chain is saved: the
 * server's live signature is verified in every handshake, here and by keyd.
 */

#include <openssl/x509.h>

#include "common/def.h"

#define VERIFY_CACHE_ENTRIES 8U
#define VERIFY_CACHE_USEC (60 * USEC_PER_SEC)

typedef struct VerifyCacheEntry {
        uint8_t digest[32];    /* SHA-256 over leaf and further certificates as the server sent them */
        uint64_t expires_usec; /* 0: free */
} VerifyCacheEntry;

typedef struct VerifyCache {
        VerifyCacheEntry entries[VERIFY_CACHE_ENTRIES];
        size_t next; /* the oldest one */
} VerifyCache;

/* Return: 0 with the name of what the server sent in @ret, -EIO */
int verify_cache_digest(X509 *leaf, STACK_OF(X509) *sent, uint8_t ret[32]) _must_check_;

bool verify_cache_has(const VerifyCache *c, const uint8_t digest[32]);

/* @verified: the chain that was built; nothing is kept beyond the first end of validity in it. */
void verify_cache_add(VerifyCache *c, const uint8_t digest[32], STACK_OF(X509) *verified);
