#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An opened keystore, whatever its format: entries with their keys still locked, and certificates
 *
 * Opening verifies the store's integrity and decrypts what the store's password protects; a key is decrypted only when it has been
 * chosen, by its entry's recover().
 */

#include <stdarg.h>

#include "keyd/crypto/ossl.h"
#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

#define KEYSTORE_ENTRIES_MAX 10000U
#define KEYSTORE_CERTIFICATES_MAX 10000U
#define KEYSTORE_ITERATIONS_MAX 5000000U
#define KEYSTORE_SALT_MAX 1024U
#define KEYSTORE_ALIAS_MAX 1024U /* bytes of UTF-8 */

typedef struct KeystoreEntry KeystoreEntry;

/*
 * Decrypts the key of @e. @password NULL: none. Checks iteration counts and sizes before work is spent.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_KEYPASS, _LIMIT, _UNSUPPORTED, _FORMAT); -errno
 */
typedef int (*KeystoreRecover)(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;

struct KeystoreEntry {
        char *alias;        /* UTF-8; NULL when the entry has no name */
        bool alias_has_nul; /* the stored name holds U+0000: it never matches */
        Secret *key;        /* as stored: what recover() understands */
        KeystoreRecover recover;
        STACK_OF(X509) *chain; /* what is stored with this entry; may be NULL. The public key decides, not the order. */
        uint8_t local_key_id[64];
        size_t n_local_key_id; /* PKCS#12: breaks ties only */
};

typedef struct Keystore {
        const char *format;     /* "pkcs12" "jks" "jceks" "bcfks" "pem"; static */
        KeystoreEntry *entries; /* those with a private key */
        size_t n_entries;
        size_t n_secret_entries;      /* secret keys, which are passed over: for the message */
        STACK_OF(X509) *certificates; /* all others in the store; may be NULL */
        char **warnings;              /* sentences; NULL-terminated, may be NULL */
        bool is_unverified;           /* PKCS#12 without MAC */
} Keystore;

void keystore_done(Keystore *k);

/* Adds an empty entry and returns it in *ret (valid until the next one is added). Return: 0, -E2BIG over the limit, -ENOMEM */
int keystore_add_entry(Keystore *k, KeystoreEntry **ret) _must_check_;

/* Adds a warning sentence. Return: 0 or -ENOMEM */
int keystore_warn(Keystore *k, const char *format, ...) _printf_(2, 3) _must_check_;

/*
 * One function a format; @path is for messages. @file comes from a file that anybody may have written. @password NULL: none.
 *
 * Return: 0 with *ret filled; 1 with *ret_failure filled (VERDICT_FORMAT, _AUTH, _LIMIT, _UNSUPPORTED); -errno
 */
typedef int (*KeystoreOpen)(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure);

int pkcs12_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) _must_check_;
int jks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) _must_check_;
int jceks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) _must_check_;
int bcfks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) _must_check_;
int pem_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) _must_check_;

/* By content, never by name. KEYSTORE_TYPE_AUTO: not known; then *ret_failure says what it looks like (VERDICT_FORMAT, _UNSUPPORTED). */
KeystoreType keystore_recognise(const char *path, const Secret *file, LoadFailure *ret_failure);

/* Recognises @file and opens it. @expected is what the profile says: another format is a warning, for content decides. Return: as KeystoreOpen */
int keystore_open(const char *path, const Secret *file, KeystoreType expected, const Secret *password, Keystore *ret, LoadFailure *ret_failure)
        _must_check_;

/* Puts "@path: " before the detail; returns 1. */
int keystore_failure_at(const char *path, LoadFailure *f);

/* Adds to a NULL-terminated list; takes @s, which may be NULL when there was no memory for it. Return: 0 or -ENOMEM */
int strv_add(char ***v, char *s) _must_check_;
int strv_add_format(char ***v, const char *format, va_list ap) _printf_(2, 0) _must_check_;

/* Shared by the formats: an EncryptedPrivateKeyInfo or PrivateKeyInfo in DER. */
int keystore_recover_pkcs8(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) _must_check_;
