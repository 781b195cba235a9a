#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * From a profile to a key with its chain, and to the CA certificates that its servers must chain to
 *
 * The only place where keystores are opened and passwords resolved.
 */

#include <openssl/evp.h>

#include "common/buf.h"
#include "common/proto.h"
#include "keyd/loader/config/config.h"

/* Verdicts on a keystore; the names are those of `--inspect`. */
typedef enum Verdict {
        VERDICT_OK,
        VERDICT_FORMAT,
        VERDICT_AUTH,
        VERDICT_KEYPASS,
        VERDICT_ALIAS,
        VERDICT_NOKEY,
        VERDICT_NOCERT,
        VERDICT_MISMATCH,
        VERDICT_LIMIT,
        VERDICT_UNSUPPORTED,
        VERDICT_POLICY,
        VERDICT_IO,
        _VERDICT_MAX,
} Verdict;

const char *verdict_to_string(Verdict v);

typedef struct Certificate {
        uint8_t *der;
        size_t size;
} Certificate;

/*
 * Makes ready what reading keystores needs of the file system (OpenSSL's legacy provider is a shared object).
 * To be called before the process confines itself; without it the first load does it.
 *
 * Return: 0 or -ENOMEM
 */
int load_prepare(void) _must_check_;

/* A key that may be used. */
typedef struct LoadedKey {
        EVP_PKEY *key;
        Certificate *chain; /* leaf first, without a self-signed root */
        size_t n_chain;
        char *format;                  /* "pkcs12", "pem" */
        char *alias;                   /* entry's name, may be NULL */
        char key_type[32];             /* "rsa-2048", "ec-p256", "ec-p384", "ed25519", ... */
        uint8_t leaf_sha256[32];       /* of the leaf's DER */
        uint8_t spki_sha256[32];       /* of the leaf's SubjectPublicKeyInfo */
        int64_t not_before, not_after; /* of the leaf, seconds since 1970 */
        char **warnings;               /* sentences; NULL-terminated, may be NULL */
} LoadedKey;

LoadedKey *loaded_key_free(LoadedKey *k);
DEFINE_CLEANUP(LoadedKey *, loaded_key_free)

/* What may be asked for secrets over the network; see vault.h */
typedef struct Vault Vault;

/* Why there is none: goes to people. */
typedef struct LoadFailure {
        Verdict verdict;
        bool is_alert;    /* somebody may be doing what they must not */
        char detail[512]; /* what happened, with path */
        char hint[512];   /* what to do */
} LoadFailure;

/*
 * Resolves keystore and passwords of @p (credentials from $CREDENTIALS_DIRECTORY), opens the store, picks the entry, finds the
 * leaf by public key, checks that they fit. @vault: asks for passwords that lie in a secret store; may be NULL.
 *
 * Return: 0 with *ret set; 1 with *ret_failure filled; -errno for our own failure
 */
int load_key(const ProfileConfig *p, Vault *vault, LoadedKey **ret, LoadFailure *ret_failure) _must_check_;

/* CA certificates as DER, and their name: SHA-256 over the DER in order */
typedef struct CaSet {
        uint8_t id[PROTO_SET_ID_SIZE];
        Certificate *certificates;
        size_t n_certificates;
} CaSet;

CaSet *ca_set_free(CaSet *s);
DEFINE_CLEANUP(CaSet *, ca_set_free)

/* CAFile= of @p or the system's bundle (/etc/ssl/certs/ca-certificates.crt or /etc/pki/tls/certs/ca-bundle.crt). Return: as load_key */
int load_ca_set(const ProfileConfig *p, CaSet **ret, LoadFailure *ret_failure) _must_check_;

/*
 * CRLFile= of @p, PEM or DER: appends the lists to *ret_ders as DER, one behind the other, ROLE_CRL_BYTES_MAX bytes at most (which
 * the Buf must allow). Nothing is appended when the profile names no file. Return: as load_key
 */
int load_crls(const ProfileConfig *p, Buf *ret_ders, LoadFailure *ret_failure) _must_check_;
