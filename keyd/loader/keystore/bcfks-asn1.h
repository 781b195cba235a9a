#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * BCFKS in DER: a cursor, and the structures of org.bouncycastle.asn1.bc
 *
 *      ObjectStore ::= SEQUENCE { storeData CHOICE { EncryptedObjectStoreData, ObjectStoreData }, integrityCheck }
 *      EncryptedObjectStoreData ::= SEQUENCE { AlgorithmIdentifier, OCTET STRING }
 *      integrityCheck ::= CHOICE { PbkdMacIntegrityCheck, [0] SignatureCheck }
 *      PbkdMacIntegrityCheck ::= SEQUENCE { mac AlgorithmIdentifier, kdf AlgorithmIdentifier, OCTET STRING }
 *      ObjectStoreData ::= SEQUENCE { version, integrity AlgorithmIdentifier, created, modified, SEQUENCE OF ObjectData, comment OPTIONAL }
 *      ObjectData ::= SEQUENCE { type, identifier UTF8String, created, modified, OCTET STRING, comment OPTIONAL }
 *
 * Everything borrows from the bytes that are read.
 */

#include "keyd/loader/keystore/java-reader.h"

/* X.690, 8.1.2 */
typedef enum DerTag {
        DER_INTEGER = 0x02,
        DER_OCTET_STRING = 0x04,
        DER_OID = 0x06,
        DER_UTF8_STRING = 0x0c,
        DER_GENERALIZED_TIME = 0x18,
        DER_SEQUENCE = 0x30,
        DER_CONTEXT_0 = 0xa0,
} DerTag;

/* The content of the next value, which must have @tag: definite lengths in their shortest form only (X.690, 10.1). */
JavaBytes der_get(JavaReader *r, DerTag tag);

/* The same with its tag and length. */
JavaBytes der_get_whole(JavaReader *r, DerTag tag);

/* A reader over the content of the next value. Fails when that fails. */
JavaReader der_get_inside(JavaReader *r, DerTag tag);

bool der_peek(const JavaReader *r, DerTag tag);

/* A number that is not negative; UINT64_MAX stands for all that are larger. */
uint64_t der_get_uint(JavaReader *r);

/* Nothing failed and nothing is left. */
static inline bool der_end(const JavaReader *r) {
        return !r->failed && r->rest.size == 0;
}

typedef enum BcfksOid {
        BCFKS_OID_UNKNOWN,
        BCFKS_OID_PBES2,
        BCFKS_OID_PBKDF2,
        BCFKS_OID_SCRYPT,
        BCFKS_OID_HMAC_SHA512,
        BCFKS_OID_HMAC_SHA3_512,
        BCFKS_OID_AES256_CCM,
        BCFKS_OID_AES256_WRAP_PAD,
} BcfksOid;

typedef struct BcfksAlgorithm {
        BcfksOid oid;
        JavaBytes parameters; /* with tag and length; may be empty */
        JavaBytes whole;
} BcfksAlgorithm;

BcfksAlgorithm bcfks_get_algorithm(JavaReader *r);

/* Parameters NULL or absent: those that are read but for the algorithm itself are no place for other bytes. */
bool bcfks_algorithm_is_bare(const BcfksAlgorithm *a);

/* What is encrypted: of a store, or EncryptedPrivateKeyInfo of a key. */
typedef struct BcfksEncrypted {
        BcfksAlgorithm algorithm;
        JavaBytes content;
} BcfksEncrypted;

BcfksEncrypted bcfks_get_encrypted(JavaReader *r);

typedef struct BcfksStore {
        JavaBytes data; /* what the MAC is over */
        bool is_encrypted;
        BcfksEncrypted encrypted;
        bool is_signed; /* then there is no MAC */
        BcfksAlgorithm mac;
        BcfksAlgorithm kdf;
        JavaBytes mac_value;
} BcfksStore;

/* False when malformed. */
bool bcfks_store_parse(JavaBytes file, BcfksStore *ret) _must_check_;

/* ObjectStoreData: *ret_objects stands before the first ObjectData. False when malformed. */
bool bcfks_objects_parse(JavaBytes data, BcfksAlgorithm *ret_integrity, JavaReader *ret_objects) _must_check_;

typedef enum BcfksType {
        BCFKS_TYPE_CERTIFICATE,
        BCFKS_TYPE_PRIVATE_KEY,
        BCFKS_TYPE_SECRET_KEY,
        BCFKS_TYPE_PROTECTED_PRIVATE_KEY,
        BCFKS_TYPE_PROTECTED_SECRET_KEY,
        BCFKS_TYPE_PBKDF_KEY,
        _BCFKS_TYPE_MAX,
} BcfksType;

typedef struct BcfksObject {
        uint64_t type;
        JavaBytes identifier; /* UTF-8, not checked */
        JavaBytes data;
} BcfksObject;

/* The reader says whether it was one. */
BcfksObject bcfks_get_object(JavaReader *r);
