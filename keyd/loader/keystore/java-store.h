#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The layout that JKS and JCEKS share
 *
 *      magic u32, version u32 (1 or 2), count u32, then so many entries: tag u32, alias UTF, date u64, and
 *        1 private key:  EncryptedPrivateKeyInfo block, count u32, certificates
 *        2 certificate:  one certificate
 *        3 secret key:   a Java serialisation stream (JCEKS only)
 *      certificate: type UTF (version 2 only), DER block
 *      SHA-1(password, "Mighty Aphrodite", every byte before)
 *
 * Read in three steps: a walk that only skips and finds the digest; the digest; only then a walk that decodes. Bytes after the digest
 * are not part of the store; Java ignores them too.
 */

#include "keyd/loader/keystore/java-reader.h"
#include "keyd/loader/keystore/keystore.h"

#define JAVA_CHAIN_MAX 64U

#define JAVA_MAGIC_JKS 0xfeedfeedU
#define JAVA_MAGIC_JCEKS 0xcecececeU

typedef struct JavaFormat {
        const char *name;     /* as in Keystore.format */
        const char *title;    /* for messages */
        uint32_t magic;       /* besides JAVA_MAGIC_JKS, which Java's JCEKS reader takes too */
        bool has_secret_keys; /* tag 3 */
} JavaFormat;

/* As KeystoreOpen, for one format. */
int java_store_open(const JavaFormat *format, const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure)
        _must_check_;

/* The first step alone: where the digest is. Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _LIMIT, _UNSUPPORTED) */
int java_store_find_digest(const JavaFormat *format, const char *path, const Secret *file, size_t *ret_offset, LoadFailure *ret_failure) _must_check_;

extern const JavaFormat jks_format;
extern const JavaFormat jceks_format;
