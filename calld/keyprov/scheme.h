#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Which SignatureScheme (RFC 8446, 4.2.3) libssl means by key type, digest and padding */

#include "common/def.h"

typedef enum SchemeKey {
        SCHEME_KEY_RSA,
        SCHEME_KEY_EC,
        SCHEME_KEY_ED25519,
        SCHEME_KEY_ED448,
        _SCHEME_KEY_INVALID,
} SchemeKey;

/* @digest_bits: 256, 384 or 512; 0 for Edwards curves. Return: TLS_SCHEME_*, or 0 when there is none */
uint16_t scheme_find(SchemeKey key, unsigned digest_bits, bool pss);

/* libssl says SHA256 when it probes and SHA2-256 when it signs. Return: 256, 384, 512, or 0 for all other digests */
unsigned scheme_digest_bits(const char *name);
