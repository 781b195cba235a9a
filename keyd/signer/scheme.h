#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Which signature schemes a key may be used with, and what they mean
 *
 * The verifier has a table of its own (keyd/verifier/scheme.h) of what is taken of a server and asked for by calld. They stay apart: the signer
 * does not believe the verifier, and a mistake in one table is not a mistake in the other.
 */

#include "common/proto.h"
#include "common/span.h"

typedef enum KeyKind {
        KEY_RSA,
        KEY_RSA_PSS,
        KEY_EC_P256,
        KEY_EC_P384,
        KEY_EC_P521,
        KEY_ED25519,
        KEY_ED448,
        _KEY_KIND_MAX,
} KeyKind;

typedef struct Scheme {
        uint16_t scheme;      /* TLS_SCHEME_* */
        unsigned kinds_tls13; /* 1 << KeyKind */
        unsigned kinds_tls12;
        const char *digest; /* NULL: the signature has its own */
        bool pss;
} Scheme;

/* @scheme and @tls_version come from the verifier. Return: static; NULL when a key of @kind must not be used so */
const Scheme *scheme_find(uint16_t scheme, uint16_t tls_version, KeyKind kind);

/* @name as keytype_name() writes it. Return: 0, 1 for any other */
int key_kind_from_name(const char *name, KeyKind *ret) _must_check_;
