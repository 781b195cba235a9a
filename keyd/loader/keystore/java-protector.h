#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Java's two own ways of encrypting a private key; each only undone */

#include "keyd/loader/keystore/java-reader.h"
#include "keyd/loader/keystore/keystore.h"

#define JKS_PROTECTOR_OID "1.3.6.1.4.1.42.2.17.1.1"
#define JCEKS_PROTECTOR_OID "1.3.6.1.4.1.42.2.19.1"

/*
 * sun.security.provider.KeyProtector: @cipher is salt, key XOR a SHA-1 key stream, check. @password NULL is the empty one.
 *
 * Return: 0 with the PrivateKeyInfo in *ret; 1 with *ret_failure filled (VERDICT_FORMAT, _KEYPASS, _UNSUPPORTED); -errno
 */
int jks_protector_open(JavaBytes cipher, const Secret *password, const char *alias, Secret **ret, LoadFailure *ret_failure) _must_check_;

/*
 * com.sun.crypto.provider.KeyProtector: PBEWithMD5AndTripleDES, which no PKCS defines. @parameter comes from the AlgorithmIdentifier.
 * The iteration count is checked before work is spent.
 *
 * Return: as above, and VERDICT_LIMIT
 */
int jceks_protector_open(JavaBytes cipher, const ASN1_TYPE *parameter, const Secret *password, const char *alias, Secret **ret,
                         LoadFailure *ret_failure) _must_check_;
