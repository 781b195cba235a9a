#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The keystores that stores.py makes, for the loader's tests */

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

/* Runs stores.py (which does nothing when its folder is fresh). Group setup: 0, or -1 when it failed */
int stores_make(void **state);

/* The path of the store @name; valid until the next call. */
const char *stores_path(const char *name);

/* Its bytes, in a secret of exactly their size. Fails the test when it is absent. The caller frees it. */
Secret *stores_read(const char *name);

/* A secret of @text; NULL for NULL. */
Secret *stores_secret(const char *text);

/* What entry_load() says about @name: VERDICT_OK with *ret_key (may be NULL) set, or another one with *ret_failure filled. */
Verdict stores_load(const char *name, const char *alias, const char *password, const char *key_password, LoadedKey **ret_key,
                    LoadFailure *ret_failure);

/* The same with the bytes given. */
Verdict stores_load_bytes(const Secret *file, const char *alias, const char *password, const char *key_password, LoadedKey **ret_key,
                          LoadFailure *ret_failure);
