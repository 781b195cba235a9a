#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Decrypting one key of a JKS or JCEKS store: an EncryptedPrivateKeyInfo under one of Java's two own protectors */

#include "keyd/loader/keystore/keystore.h"

/* As KeystoreRecover. The protector is told by its OID, not by the store: JCEKS stores may hold keys of both. */
int java_recover(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;

/*
 * @plain is a PrivateKeyInfo (RFC 5208) and nothing behind it; @alias is for messages and may be NULL.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _UNSUPPORTED)
 */
int java_recover_plain(const Secret *plain, const char *alias, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;

/* The two failures that several places report. Return: 1 */
int java_fail_unavailable(const char *algorithm, LoadFailure *f);
int java_fail_keypass(const char *alias, LoadFailure *f);
