#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One entry of a JKS or JCEKS store, undecoded: the same function reads it when the store is walked and when it is decoded */

#include "keyd/loader/keystore/java-store.h"

typedef enum JavaTag {
        JAVA_TAG_PRIVATE_KEY = 1,
        JAVA_TAG_CERTIFICATE = 2,
        JAVA_TAG_SECRET_KEY = 3,
} JavaTag;

typedef struct JavaWalk {
        const JavaFormat *format;
        const char *path;
        JavaReader reader;
        uint32_t version;
        uint32_t n_entries;
        size_t n_certificates; /* so far */
} JavaWalk;

/* Borrows from the store. */
typedef struct JavaRecord {
        uint32_t tag;
        JavaBytes alias;         /* modified UTF-8 */
        JavaBytes key;           /* EncryptedPrivateKeyInfo */
        uint32_t n_certificates; /* of this entry */
        JavaReader certificates; /* stands before the first */
} JavaRecord;

/* Reads the head of the store. Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _LIMIT) */
int java_walk_init(JavaWalk *w, const JavaFormat *format, const char *path, JavaBytes store, LoadFailure *ret_failure) _must_check_;

/* Reads the next entry and passes it. Return: 0; 1 with *ret_failure filled (VERDICT_FORMAT, _LIMIT, _UNSUPPORTED) */
int java_walk_next(JavaWalk *w, JavaRecord *ret, LoadFailure *ret_failure) _must_check_;

/* One certificate with its type (empty in version 1, which knows X.509 only). The reader says whether it was there. */
void java_record_get_certificate(JavaReader *r, uint32_t version, JavaBytes *ret_type, JavaBytes *ret_der);
