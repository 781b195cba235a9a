#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Given a profile: the keystore's bytes and its passwords, as secrets, or the reason why not */

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"
#include "keyd/loader/secrets/vault.h"

typedef struct StoreSecrets {
        char *path;             /* of the keystore, for messages */
        Secret *file;           /* the keystore */
        Secret *store_password; /* NULL: none is configured */
        Secret *key_password;   /* NULL: the same as the store's */
        char **warnings;        /* sentences; NULL-terminated, may be NULL */
        bool is_fetched;        /* a password, or the keystore, comes from a secret store */
        bool is_changing;       /* which says that what it gave is being changed */
} StoreSecrets;

void store_secrets_done(StoreSecrets *s);

/*
 * KeystorePath= is a path or credential:NAME; a password is credential:NAME, file:PATH (relative to the profile's folder),
 * midtls:BASE64, cyberark:ID, vault:ID, conjur:ID, or the password itself. Credentials are files of $CREDENTIALS_DIRECTORY. What a store has
 * under the ID of Password= may be the whole keystore: then KeyPassword= is what opens it. @vault may be NULL: then nobody is asked.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_IO, _LIMIT, _POLICY, _UNSUPPORTED; for midtls: also _FORMAT, _MISMATCH, _AUTH); -errno
 */
int store_fetch(const ProfileConfig *p, Vault *vault, StoreSecrets *ret, LoadFailure *ret_failure) _must_check_;

/* Whether store_fetch() may ask a secret store for something of @p. */
bool store_asks_vault(const ProfileConfig *p);
