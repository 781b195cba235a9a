#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Which entry of a store is meant */

#include "keyd/loader/keystore/keystore.h"

/* The names of the entries that have one, for a message or for --inspect. Return: 0 or -ENOMEM */
int choose_list_aliases(const Keystore *k, char ***ret) _must_check_;

/* @alias NULL: the only entry. Return: 0; 1 with *ret_failure filled (VERDICT_NOKEY, _ALIAS); -errno */
int choose_entry(const char *path, Keystore *k, const char *alias, const KeystoreEntry **ret, LoadFailure *ret_failure) _must_check_;
