#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Chains that were verified a moment ago: profile, generation and the Certificate message's content, for 60 s at most
 *
 * Holds only what verified; the server's own signature is verified every time. Bounded; the oldest entry makes room.
 */

#include <openssl/evp.h>

#include "common/span.h"

#define CHAIN_CACHE_ENTRIES 64U
#define CHAIN_CACHE_USEC (60 * USEC_PER_SEC)

typedef struct ChainCache ChainCache;

/* Return: 0 or -ENOMEM */
int chain_cache_new(ChainCache **ret) _must_check_;
ChainCache *chain_cache_free(ChainCache *c);
DEFINE_CLEANUP(ChainCache *, chain_cache_free)

/* Forgets everything: after every new snapshot. */
void chain_cache_clear(ChainCache *c);
