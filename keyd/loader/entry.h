#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* From the bytes of a keystore to a key that may be used: choose the entry, recover its key, find its certificates, check that they fit */

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

/* All borrowed. */
typedef struct KeyRequest {
        const char *path; /* for messages */
        const Secret *file;
        KeystoreType type;            /* what the profile says; content decides */
        const char *alias;            /* NULL: the only key */
        const Secret *store_password; /* NULL: none */
        const Secret *key_password;   /* NULL: the store's */
} KeyRequest;

/*
 * *ret_aliases (may be NULL): for VERDICT_ALIAS the names of the entries with a key; the caller frees it with strv_free().
 *
 * Return: 0 with *ret set; 1 with *ret_failure filled; -errno for our own failure
 */
int entry_load(const KeyRequest *q, LoadedKey **ret, char ***ret_aliases, LoadFailure *ret_failure) _must_check_;
