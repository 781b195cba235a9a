/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/signer/scheme.h"

#define RSA (1U << KEY_RSA)
#define RSA_PSS (1U << KEY_RSA_PSS)
#define P256 (1U << KEY_EC_P256)
#define P384 (1U << KEY_EC_P384)
#define P521 (1U << KEY_EC_P521)
#define EC (P256 | P384 | P521)
#define ED25519 (1U << KEY_ED25519)
#define ED448 (1U << KEY_ED448)

/*
 * RFC 8446, 4.2.3: PKCS#1 v1.5 signs no TLS 1.3 handshake, and an ECDSA scheme stands for one curve there; in TLS 1.2 it names the
 * digest alone.
 */
/* clang-format off */
static const Scheme schemes[] = {
        /* scheme                           TLS 1.3  TLS 1.2  digest    PSS */
        {TLS_SCHEME_RSA_PKCS1_SHA256,       0,       RSA,     "SHA256", false},
        {TLS_SCHEME_RSA_PKCS1_SHA384,       0,       RSA,     "SHA384", false},
        {TLS_SCHEME_RSA_PKCS1_SHA512,       0,       RSA,     "SHA512", false},
        {TLS_SCHEME_ECDSA_SECP256R1_SHA256, P256,    EC,      "SHA256", false},
        {TLS_SCHEME_ECDSA_SECP384R1_SHA384, P384,    EC,      "SHA384", false},
        {TLS_SCHEME_ECDSA_SECP521R1_SHA512, P521,    EC,      "SHA512", false},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA256,    RSA,     RSA,     "SHA256", true},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA384,    RSA,     RSA,     "SHA384", true},
        {TLS_SCHEME_RSA_PSS_RSAE_SHA512,    RSA,     RSA,     "SHA512", true},
        {TLS_SCHEME_ED25519,                ED25519, ED25519, NULL,     false},
        {TLS_SCHEME_ED448,                  ED448,   ED448,   NULL,     false},
        {TLS_SCHEME_RSA_PSS_PSS_SHA256,     RSA_PSS, RSA_PSS, "SHA256", true},
        {TLS_SCHEME_RSA_PSS_PSS_SHA384,     RSA_PSS, RSA_PSS, "SHA384", true},
        {TLS_SCHEME_RSA_PSS_PSS_SHA512,     RSA_PSS, RSA_PSS, "SHA512", true},
};
/* clang-format on */

const Scheme *scheme_find(uint16_t scheme, uint16_t tls_version, KeyKind kind) {
        for (size_t i = 0; i < ARRAY_SIZE(schemes); i++) {
                unsigned kinds = tls_version == TLS_VERSION_1_3 ? schemes[i].kinds_tls13 : schemes[i].kinds_tls12;

                if (schemes[i].scheme == scheme)
                        return kinds & (1U << kind) ? &schemes[i] : NULL;
        }

        return NULL;
}

int key_kind_from_name(const char *name, KeyKind *ret) {
        static const struct {
                const char *prefix; /* the longer one first */
                KeyKind kind;
        } names[] = {
                {"rsa-pss-", KEY_RSA_PSS}, {"rsa-", KEY_RSA},        {"ec-p256", KEY_EC_P256}, {"ec-p384", KEY_EC_P384},
                {"ec-p521", KEY_EC_P521},  {"ed25519", KEY_ED25519}, {"ed448", KEY_ED448},
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strncmp(name, names[i].prefix, strlen(names[i].prefix)) == 0) {
                        *ret = names[i].kind;
                        return 0;
                }

        return 1;
}
