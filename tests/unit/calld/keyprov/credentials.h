#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Keys and certificates for tests, made on the spot */

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "common/buf.h"

/* "rsa-2048", "ec-p256", "ec-p384", "ed25519", "ed448" */
EVP_PKEY *credentials_make_key(const char *type);

/* A certificate for @key with the DNS name @name, signed by @issuer_key; @issuer NULL: self-signed CA. */
X509 *credentials_make_certificate(EVP_PKEY *key, const char *name, EVP_PKEY *issuer_key, X509 *issuer);

/* DER with the three-byte length of MsgProfile.chain and MsgCertificates.certificates */
void credentials_append(Buf *list, X509 *certificate);
