#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* `keyd --inspect`: would this keystore be taken, and what is in it */

#include "keyd/crypto/secret.h"

/*
 * Opens @path as load_key() would, whatever its permissions, and prints one JSON object and a newline to @out. @key_alias and the
 * passwords may be NULL: the only key; none; the store's.
 *
 * Return: the process's exit status, 0 for the verdict ok and 1 for any other; -errno for our own failure (nothing is printed)
 */
int inspect_file(const char *path, const char *key_alias, const Secret *store_password, const Secret *key_password, FILE *out) _must_check_;
