#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Keys and certificates made on the spot */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/buf.h"
#include "keyd/crypto/handover.h"

/* @type: "rsa-2048", "rsa-pss-2048", "ec-p256", "ec-p384", "ec-p521", "ed25519", "ed448" */
EVP_PKEY *test_key(const char *type);

/* Valid from a day ago for two days. @issuer NULL: self-signed. @is_ca: basicConstraints says so. */
X509 *test_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, bool is_ca);

/* The certificate's DER. */
void test_der(X509 *x, Buf *ret);

/* The KEY message's content; the caller ends it with key_handover_done(). */
KeyHandover test_handover(const char *profile, uint64_t generation, EVP_PKEY *key, X509 *leaf);
