#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a partner's server may not like about a certificate, in sentences. None of it hinders loading: the peer decides. */

#include "keyd/loader/chain.h"

/* Adds to @k's warnings. Return: 0 or -ENOMEM */
int warnings_collect(Keystore *k, const Chain *chain) _must_check_;

/* Seconds since 1970. Return: 0, or 1 when @t is malformed */
int asn1_time_to_seconds(const ASN1_TIME *t, int64_t *ret) _must_check_;

/* RFC 4514, in UTF-8; cut at @size. */
void name_to_string(const X509_NAME *name, char *ret, size_t size);
