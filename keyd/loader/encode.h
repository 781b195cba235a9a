#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* A key and certificates in the form in which another role takes them */

#include "common/buf.h"
#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

/* PrivateKeyInfo, RFC 5958, DER, unencrypted. Return: 0, -EMSGSIZE (above ROLE_KEY_BYTES_MAX), other -errno */
int encode_private_key(EVP_PKEY *key, Secret **ret) _must_check_;

/* Appends a certificate as PEM (RFC 7468, section 5). Return: as buf_append */
int encode_certificate_pem(const Certificate *c, Buf *to) _must_check_;
