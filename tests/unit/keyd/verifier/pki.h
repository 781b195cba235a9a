#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Keys, certificates and revocation lists for tests, made on the spot; failures end the program */

#include <openssl/x509.h>

#include "common/span.h"

/* All times of test certificates lie around this one, so that no test depends on the clock. */
#define PKI_NOW INT64_C(1900000000)

typedef struct CertificateSpec {
        const char *name;             /* subject's CN */
        EVP_PKEY *key;                /* borrowed */
        X509 *issuer;                 /* borrowed; NULL: self-signed */
        EVP_PKEY *issuer_key;         /* borrowed; NULL with a self-signed one */
        const char *alt_names;        /* "DNS:...", "IP:..." */
        const char *key_usage;        /* NULL: no extension */
        const char *ext_key_usage;    /* NULL: no extension */
        const char *name_constraints; /* NULL: no extension */
        const char *comment;          /* fills a certificate up */
        bool ca;
        int64_t from, to; /* seconds around PKI_NOW; both 0: a day before to a day after */
        const EVP_MD *md; /* NULL: SHA-256, or the key's own */
} CertificateSpec;

/* One key per name, made once: "rsa-2048", "rsa-1024", "rsa-pss-2048", "ec-p256", "ec-p384", "ec-p521", "ec-p224", "ec-k256", "ec-explicit", "ed25519", "ed448",
 * "rsa-8200" without its private half, and any of them with "#2" and the like behind it for another one. Borrowed until pki_done(). */
EVP_PKEY *pki_key(const char *name);
void pki_done(void);

X509 *pki_certificate(const CertificateSpec *spec);

/* @revoked may be NULL. */
X509_CRL *pki_crl(X509 *issuer, EVP_PKEY *issuer_key, X509 *revoked);

/* Malloc'd DER. */
Span pki_der(X509 *certificate);
