/* SPDX-License-Identifier: Apache-2.0 */

#include <strings.h>

#include "calld/keyprov/scheme.h"
#include "common/proto.h"

typedef struct SchemeRow {
        SchemeKey key;
        unsigned digest_bits;
        bool pss;
        uint16_t scheme;
} SchemeRow;

/*
 * In TLS 1.2 the ECDSA schemes name the digest alone, whatever the curve (RFC 8446, 4.2.3 says of what RFC 5246 calls SignatureAndHashAlgorithm
 * that the code points are the same), so the curve does not matter here; in TLS 1.3 libssl has chosen the digest by the curve.
 */
static const SchemeRow scheme_rows[] = {
        {SCHEME_KEY_RSA, 256, true, TLS_SCHEME_RSA_PSS_RSAE_SHA256},
        {SCHEME_KEY_RSA, 384, true, TLS_SCHEME_RSA_PSS_RSAE_SHA384},
        {SCHEME_KEY_RSA, 512, true, TLS_SCHEME_RSA_PSS_RSAE_SHA512},
        {SCHEME_KEY_RSA, 256, false, TLS_SCHEME_RSA_PKCS1_SHA256},
        {SCHEME_KEY_RSA, 384, false, TLS_SCHEME_RSA_PKCS1_SHA384},
        {SCHEME_KEY_RSA, 512, false, TLS_SCHEME_RSA_PKCS1_SHA512},
        {SCHEME_KEY_EC, 256, false, TLS_SCHEME_ECDSA_SECP256R1_SHA256},
        {SCHEME_KEY_EC, 384, false, TLS_SCHEME_ECDSA_SECP384R1_SHA384},
        {SCHEME_KEY_EC, 512, false, TLS_SCHEME_ECDSA_SECP521R1_SHA512},
        {SCHEME_KEY_ED25519, 0, false, TLS_SCHEME_ED25519},
        {SCHEME_KEY_ED448, 0, false, TLS_SCHEME_ED448},
};

uint16_t scheme_find(SchemeKey key, unsigned digest_bits, bool pss) {
        for (size_t i = 0; i < ARRAY_SIZE(scheme_rows); i++) {
                const SchemeRow *row = &scheme_rows[i];

                if (row->key == key && row->digest_bits == digest_bits && row->pss == pss)
                        return row->scheme;
        }
        return 0;
}

unsigned scheme_digest_bits(const char *name) {
        static const struct {
                const char *name;
                unsigned bits;
        } names[] = {
                {"SHA256", 256},  {"SHA2-256", 256}, {"SHA-256", 256},  {"SHA384", 384},  {"SHA2-384", 384},
                {"SHA-384", 384}, {"SHA512", 512},   {"SHA2-512", 512}, {"SHA-512", 512},
        };

        for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
                if (strcasecmp(name, names[i].name) == 0)
                        return names[i].bits;
        return 0;
}
