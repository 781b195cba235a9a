#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the signer holds: keys by profile and generation, grants by profile, bindings by alias
 *
 * A load's records gather in a batch and are taken in one step; until then everything is as before. Grants and bindings are stated anew by
 * every load, keys are added. A key whose profile has no grant any more is wiped at once, one that a newer generation has replaced after
 * ROLE_OLD_GENERATION_USEC.
 */

#include "common/msg-grant.h"
#include "keyd/signer/key.h"

#define TABLE_RECORDS_MAX 16384U /* of one batch */

typedef struct Grant Grant;
typedef struct Binding Binding;

struct Grant {
        Grant *next;
        char profile[PROTO_NAME_MAX + 1];
        uint64_t generation;
        uint32_t max_signatures_per_minute;
        uint16_t minimum_tls;
        uint8_t pins[PROTO_LIST_MAX][PROTO_PIN_SIZE];
        size_t n_pins;
        uint64_t credit; /* a signature costs USEC_PER_MINUTE of it */
        uint64_t credited_usec;
};

struct Binding {
        Binding *next;
        char alias[PROTO_NAME_MAX + 1];
        char profile[PROTO_NAME_MAX + 1];
        char destination[ROLE_DESTINATION_MAX + 1];
};

typedef struct Holdings {
        SigningKey *keys;
        Grant *grants;
        Binding *bindings;
} Holdings;

typedef struct Table {
        Holdings now;
        Holdings batch;
        bool batch_open;
        uint64_t batch_id; /* as its KEYS_BEGIN said */
        size_t n_batch;
} Table;

enum {
        _TABLE_E_SUCCESS,
        TABLE_E_DUPLICATE, /* the batch has one of this name already */
        TABLE_E_FULL,      /* TABLE_RECORDS_MAX */
};

void table_done(Table *t);

/* Begins a batch; one that was not ended is dropped. @id: what the loader calls it. */
void table_begin(Table *t, uint64_t id);

/* Drops the batch: nothing of it is taken. */
void table_abandon(Table *t);

/* Before: a batch is open (asserted); so in all three. @key is taken over, also on failure. Return: 0, TABLE_E_* */
int table_add_key(Table *t, SigningKey *key) _must_check_;

/* Return: 0, TABLE_E_*, -ENOMEM */
int table_add_grant(Table *t, const MsgGrant *m) _must_check_;
int table_add_binding(Table *t, const MsgBinding *m) _must_check_;

/* Takes the batch. Before: one is open (asserted). Return: how many grants have no key of their generation */
uint32_t table_take(Table *t, uint64_t now);

/* Wipes the keys whose time has come. Return: when the next one's comes, USEC_INFINITY for none */
uint64_t table_expire(Table *t, uint64_t now);

/* Borrowed until the next take or expire; NULL when there is none. @alias comes from the verifier. */
const Binding *table_find_binding(const Table *t, Span alias);
Grant *table_find_grant(const Table *t, const char *profile);
const SigningKey *table_find_key(const Table *t, const char *profile, uint64_t generation);

/* Takes one signature off the profile's allowance. Return: false when it is used up */
bool grant_charge(Grant *g, uint64_t now);

bool grant_allows_server(const Grant *g, const uint8_t spki_sha256[static PROTO_PIN_SIZE]);
