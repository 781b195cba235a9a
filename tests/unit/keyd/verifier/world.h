#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* World: a CA, a server that it knows, a client, and the policy under which the check accepts what they say to each other */

#include "keyd/verifier/check.h"
#include "tests/unit/keyd/verifier/draft.h"
#include "tests/unit/keyd/verifier/pki.h"
#include "tests/unit/keyd/verifier/record.h"

#define WORLD_HOST "partner.example.com"

typedef struct World {
        EVP_PKEY *root_key, *intermediate_key, *server_key, *client_key; /* pki's */
        X509 *root, *intermediate, *server_leaf, *client_leaf;
        STACK_OF(X509) *chain; /* the intermediate, borrowed */
        X509_STORE *store;
        TextList allowed_names, pins;
        CheckPolicy policy;
} World;

/* Kinds of keys as pki_key() names them. @ca_kind is also the intermediate's. */
void world_init(World *w, const char *ca_kind, const char *server_kind, const char *client_kind);
void world_done(World *w);

/* What is usual for the server's certificate; to be changed and given to world_set_server(). */
CertificateSpec world_server_spec(const World *w);
void world_set_server(World *w, const CertificateSpec *spec);

RecordSpec world_record_spec(const World *w, uint16_t version);

/* The check at PKI_NOW over a copy in an exactly sized block. */
int world_check(const World *w, ChainCache *cache, uint16_t version, uint16_t scheme, Span transcript, CheckResult *ret);

/* Records by @spec and checks; the scheme is the one libssl chose. */
int world_check_genuine(const World *w, const RecordSpec *spec, CheckResult *ret);
