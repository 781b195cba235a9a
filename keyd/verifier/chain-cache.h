#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chains that were verified a moment ago: profile, generation, host and the Certificate message's certificates, for 60 s at most
 *
 * Holds only what verified; the server's own signature is verified every time. Bounded; the oldest entry makes room.
 */

#include <openssl/evp.h>

#include "common/proto.h"
#include "common/span.h"

#define CHAIN_CACHE_ENTRIES 64U
#define CHAIN_CACHE_USEC (60 * USEC_PER_SEC)

#define CHAIN_KEY_SIZE 32U /* SHA-256 */

typedef struct ChainCache ChainCache;

/* What is kept of a verified chain. */
typedef struct VerifiedChain {
        EVP_PKEY *key; /* the leaf's public key: an own reference */
        uint8_t spki_sha256[PROTO_PIN_SIZE];
} VerifiedChain;

void verified_chain_done(VerifiedChain *v);

/* Return: 0 or -ENOMEM */
int chain_cache_new(ChainCache **ret) _must_check_;
ChainCache *chain_cache_free(ChainCache *c);
DEFINE_CLEANUP(ChainCache *, chain_cache_free)

/* Forgets everything: after every new snapshot. */
void chain_cache_clear(ChainCache *c);

/*
 * The name under which a chain is kept: whose policy it met, for which host, and the certificates as DER (untrusted).
 *
 * Return: 0 or -ENOMEM
 */
int chain_key_make(Span profile, uint64_t generation, Span host, const Span *certificates, size_t n_certificates, uint8_t ret[CHAIN_KEY_SIZE])
        _must_check_;

/* Whether @key was verified not long before @now (seconds since 1970); then *ret is to be given to verified_chain_done(). @c may be NULL. */
bool chain_cache_find(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE], int64_t now, VerifiedChain *ret);

/* Keeps @chain, until @not_after (the earliest of the chain, seconds since 1970) at the latest. @c may be NULL. */
void chain_cache_add(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE], int64_t now, int64_t not_after, const VerifiedChain *chain);
