#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * OpenSSL for keystores only: a library context of its own, with the legacy provider where the host has it
 *
 * RC2, RC4 and single DES protect old stores and must never come near TLS: the default context does not have them.
 */

#include <openssl/crypto.h>
#include <openssl/x509.h>

#include "keyd/crypto/ossl.h"

DEFINE_CLEANUP(ASN1_OCTET_STRING *, ASN1_OCTET_STRING_free)
DEFINE_CLEANUP(EVP_CIPHER *, EVP_CIPHER_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)
DEFINE_CLEANUP(EVP_MD *, EVP_MD_free)

/* The context, made on first use; lives until the process ends. NULL without memory. Single-threaded, as the loader is. */
OSSL_LIB_CTX *ossl_private(void);

/* One certificate that fills @size bytes. Errors are cleared. Return: NULL when it is none or bytes follow it */
X509 *ossl_parse_certificate(const uint8_t *der, size_t size);
