#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One cleanup line for each OpenSSL type that keyd owns somewhere */

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

#include "common/def.h"

static inline void x509_stack_free(STACK_OF(X509) *s) {
        sk_X509_pop_free(s, X509_free);
}

static inline void pkcs7_stack_free(STACK_OF(PKCS7) *s) {
        sk_PKCS7_pop_free(s, PKCS7_free);
}

static inline void safebag_stack_free(STACK_OF(PKCS12_SAFEBAG) *s) {
        sk_PKCS12_SAFEBAG_pop_free(s, PKCS12_SAFEBAG_free);
}

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)
DEFINE_CLEANUP(PKCS12 *, PKCS12_free)
DEFINE_CLEANUP(PKCS8_PRIV_KEY_INFO *, PKCS8_PRIV_KEY_INFO_free)
DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(X509_CRL *, X509_CRL_free)
DEFINE_CLEANUP(X509_SIG *, X509_SIG_free)
DEFINE_CLEANUP(X509_STORE *, X509_STORE_free)
DEFINE_CLEANUP(X509_STORE_CTX *, X509_STORE_CTX_free)
DEFINE_CLEANUP(STACK_OF(PKCS12_SAFEBAG) *, safebag_stack_free)
DEFINE_CLEANUP(STACK_OF(PKCS7) *, pkcs7_stack_free)
DEFINE_CLEANUP(STACK_OF(X509) *, x509_stack_free)
