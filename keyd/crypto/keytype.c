/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/crypto/keytype.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <string.h>

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

static int rsa_name(const EVP_PKEY *key, const char *prefix, char *ret, size_t size) {
        int bits = EVP_PKEY_get_bits(key);

        snprintf(ret, size, "%s-%d", prefix, bits);
        return bits < RSA_BITS_MIN ? KEYTYPE_E_POLICY : bits > RSA_BITS_MAX ? KEYTYPE_E_LIMIT : 0;
}

/* A curve is known by name only: explicit parameters could describe another one with the same public key (CVE-2020-0601). */
static int ec_name(const EVP_PKEY *key, char *ret, size_t size) {
        static const struct {
                const char *group, *name;
        } curves[] = {{"prime256v1", "ec-p256"}, {"P-256", "ec-p256"},     {"secp384r1", "ec-p384"},
                      {"P-384", "ec-p384"},      {"secp521r1", "ec-p521"}, {"P-521", "ec-p521"}};
        char group[64] = "", encoding[32] = "";

        if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof(encoding), NULL) == 1 &&
            strcmp(encoding, OSSL_PKEY_EC_ENCODING_EXPLICIT) == 0) {
                snprintf(ret, size, "ec with explicit parameters");
                return KEYTYPE_E_UNSUPPORTED;
        }
        if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) != 1) {
                snprintf(ret, size, "ec without a named curve");
                return KEYTYPE_E_UNSUPPORTED;
        }

        for (size_t i = 0; i < ARRAY_SIZE(curves); i++)
                if (strcmp(group, curves[i].group) == 0) {
                        snprintf(ret, size, "%s", curves[i].name);
                        return 0;
                }

        snprintf(ret, size, "ec-%s", group);
        return KEYTYPE_E_UNSUPPORTED;
}

int keytype_name(const EVP_PKEY *key, char *ret, size_t size) {
        const char *name;

        switch (EVP_PKEY_get_base_id(key)) {
        case EVP_PKEY_RSA:
                return rsa_name(key, "rsa", ret, size);
        case EVP_PKEY_RSA_PSS:
                return rsa_name(key, "rsa-pss", ret, size);
        case EVP_PKEY_EC:
                return ec_name(key, ret, size);
        case EVP_PKEY_ED25519:
                snprintf(ret, size, "ed25519");
                return 0;
        case EVP_PKEY_ED448:
                snprintf(ret, size, "ed448");
                return 0;
        default:
                name = EVP_PKEY_get0_type_name(key);
                snprintf(ret, size, "%s", name ? name : "unknown");
                return KEYTYPE_E_UNSUPPORTED;
        }
}
