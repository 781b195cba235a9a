#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Encrypting a secret to a host's public key, so that only keyd on that host can read it
 *
 * AuthEnvelopedData (RFC 5083) with AES-256-GCM (RFC 5084), the content's key by RSAES-OAEP (RFC 3560), as DER in base64.
 */

#include "common/def.h"

#define ENCRYPT_SECRET_MAX 4096U /* keyd takes no more */

enum {
        _ENCRYPT_E_SUCCESS,
        ENCRYPT_E_CERTIFICATE, /* not one certificate in PEM */
        ENCRYPT_E_KEY,         /* its key is not RSA of 2048 bits or more */
        ENCRYPT_E_LIBRARY,     /* libcrypto refused or failed */
};

/*
 * @pem: a certificate, untrusted; @secret: the caller's to wipe. *ret: the base64, without "midtls:", to be freed.
 *
 * Return: 0, ENCRYPT_E_*, -ENOMEM
 */
int encrypt_to_certificate(const char *pem, size_t pem_size, const char *secret, size_t secret_size, char **ret) _must_check_;
