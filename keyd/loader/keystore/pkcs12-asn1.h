#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * RFC 7292, section 4, as templates of our own
 *
 * OpenSSL's PKCS12 type is opaque, decodes every bag at once and verifies its MAC with algorithms of the default context only.
 */

#include <openssl/asn1t.h>
#include <openssl/pkcs12.h>
#include <openssl/pkcs7.h>

#include "common/def.h"

typedef struct MacData {
        X509_SIG *digest;
        ASN1_OCTET_STRING *salt;
        ASN1_INTEGER *iterations; /* NULL: 1 */
} MacData;

typedef struct Pfx {
        ASN1_INTEGER *version;
        PKCS7 *authsafe;
        MacData *mac; /* may be NULL */
} Pfx;

typedef struct SafeBag {
        ASN1_OBJECT *id;
        ASN1_TYPE *value;                     /* what the identifier says; not decoded */
        STACK_OF(X509_ATTRIBUTE) *attributes; /* may be NULL */
} SafeBag;

DEFINE_STACK_OF(SafeBag)
typedef STACK_OF(SafeBag) SafeContents;

typedef struct CertBag {
        ASN1_OBJECT *id;
        ASN1_TYPE *value;
} CertBag;

typedef STACK_OF(PKCS7) AuthenticatedSafe;

DECLARE_ASN1_FUNCTIONS(MacData)
DECLARE_ASN1_FUNCTIONS(Pfx)
DECLARE_ASN1_FUNCTIONS(SafeBag)
DECLARE_ASN1_FUNCTIONS(CertBag)
DECLARE_ASN1_ITEM(SafeContents)

static inline void safe_contents_free(SafeContents *s) {
        sk_SafeBag_pop_free(s, SafeBag_free);
}

static inline void authenticated_safe_free(AuthenticatedSafe *s) {
        sk_PKCS7_pop_free(s, PKCS7_free);
}

DEFINE_CLEANUP(Pfx *, Pfx_free)
DEFINE_CLEANUP(CertBag *, CertBag_free)
DEFINE_CLEANUP(SafeContents *, safe_contents_free)
DEFINE_CLEANUP(AuthenticatedSafe *, authenticated_safe_free)
