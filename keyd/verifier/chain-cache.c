/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/chain-cache.h"

#include "keyd/crypto/ossl.h"

#define CHAIN_CACHE_SEC ((int64_t) (CHAIN_CACHE_USEC / USEC_PER_SEC))

typedef struct Entry {
        bool used;
        uint8_t name[CHAIN_KEY_SIZE];
        uint64_t order; /* of adding: the smallest is the oldest */
        int64_t added, expires;
        VerifiedChain chain;
} Entry;

struct ChainCache {
        Entry entries[CHAIN_CACHE_ENTRIES];
        uint64_t last_order;
};

void verified_chain_done(VerifiedChain *v) {
        EVP_PKEY_free(v->key);
        *v = (VerifiedChain) {};
}

static void entry_done(Entry *e) {
        verified_chain_done(&e->chain);
        *e = (Entry) {};
}

int chain_cache_new(ChainCache **ret) {
        ChainCache *c = calloc(1, sizeof(*c));

        if (!c)
                return -ENOMEM;

        *ret = c;
        return 0;
}

ChainCache *chain_cache_free(ChainCache *c) {
        if (!c)
                return NULL;

        chain_cache_clear(c);
        free(c);
        return NULL;
}

void chain_cache_clear(ChainCache *c) {
        if (!c)
                return;
        for (size_t i = 0; i < CHAIN_CACHE_ENTRIES; i++)
                entry_done(&c->entries[i]);
}

static bool hash_uint(EVP_MD_CTX *md, uint64_t v) {
        uint8_t bytes[8];

        for (size_t i = sizeof(bytes); i > 0; i--, v >>= 8)
                bytes[i - 1] = (uint8_t) v;
        return EVP_DigestUpdate(md, bytes, sizeof(bytes)) == 1;
}

/* With its size in front, so that no two lists of fields hash alike. */
static bool hash_span(EVP_MD_CTX *md, Span s) {
        return hash_uint(md, s.size) && EVP_DigestUpdate(md, s.data, s.size) == 1;
}

int chain_key_make(Span profile, uint64_t generation, Span host, const Span *certificates, size_t n_certificates, uint8_t ret[CHAIN_KEY_SIZE]) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();
        bool ok;

        ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
        ok = ok && hash_span(md, profile) && hash_uint(md, generation) && hash_span(md, host);
        for (size_t i = 0; ok && i < n_certificates; i++)
                ok = hash_span(md, certificates[i]);

        return ok && EVP_DigestFinal_ex(md, ret, NULL) == 1 ? 0 : -ENOMEM;
}

static Entry *entry_find(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE]) {
        for (size_t i = 0; i < CHAIN_CACHE_ENTRIES; i++)
                if (c->entries[i].used && memcmp(c->entries[i].name, key, CHAIN_KEY_SIZE) == 0)
                        return &c->entries[i];
        return NULL;
}

bool chain_cache_find(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE], int64_t now, VerifiedChain *ret) {
        Entry *e = c ? entry_find(c, key) : NULL;

        if (!e)
                return false;

        /* A clock that went back proves nothing about notBefore. */
        if (now < e->added || now >= e->expires || EVP_PKEY_up_ref(e->chain.key) != 1) {
                entry_done(e);
                return false;
        }

        *ret = e->chain;
        return true;
}

/* The entry of the same name, else an unused one, else the oldest. */
static Entry *entry_choose(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE]) {
        Entry *e = entry_find(c, key);

        if (e)
                return e;

        e = &c->entries[0];
        for (size_t i = 0; i < CHAIN_CACHE_ENTRIES; i++) {
                if (!c->entries[i].used)
                        return &c->entries[i];
                if (c->entries[i].order < e->order)
                        e = &c->entries[i];
        }
        return e;
}

void chain_cache_add(ChainCache *c, const uint8_t key[CHAIN_KEY_SIZE], int64_t now, int64_t not_after, const VerifiedChain *chain) {
        Entry *e;

        if (!c || now > INT64_MAX - CHAIN_CACHE_SEC || not_after <= now || EVP_PKEY_up_ref(chain->key) != 1)
                return;

        e = entry_choose(c, key);
        entry_done(e);
        *e = (Entry) {
                .used = true,
                .order = ++c->last_order,
                .added = now,
                .expires = MIN_OF(not_after, now + CHAIN_CACHE_SEC),
                .chain = *chain,
        };
        memcpy(e->name, key, CHAIN_KEY_SIZE);
}
