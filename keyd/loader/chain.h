#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Which of a store's certificates is the key's, and which lead from it towards a root */

#include "keyd/loader/keystore/keystore.h"

typedef struct Chain {
        X509 *items[PROTO_CHAIN_MAX]; /* borrowed from the store; leaf first, without a self-signed root unless the leaf is one */
        size_t n_items;
        bool ends_at_root; /* a self-signed certificate of the store ends it, or the leaf is one */
        bool too_long;     /* cut at PROTO_CHAIN_MAX */
        bool root_unused;  /* the store holds a self-signed certificate to which the chain does not lead */
} Chain;

/* The certificate with the public key of @key; with several, labels and validity break the tie. NULL: there is none. */
X509 *chain_find_leaf(const Keystore *k, const KeystoreEntry *e, const EVP_PKEY *key);

/* RFC 5280, section 6.1: each certifies the one before it. */
void chain_build(const Keystore *k, const KeystoreEntry *e, X509 *leaf, Chain *ret);

/* How many certificates the store offers for @e. */
size_t chain_count_candidates(const Keystore *k, const KeystoreEntry *e);
