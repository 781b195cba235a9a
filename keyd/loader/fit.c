/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/fit.h"

#include <openssl/core_names.h>
#include <openssl/x509v3.h>

#include "keyd/crypto/keytype.h"
#include "keyd/loader/file.h"

#define HINT_DAMAGED "export key and certificate again from where they were made"

static void bn_clear_freep(BIGNUM **n) {
        BN_clear_free(*n);
}

/* A part that is longer than the modulus would make every signature as slow as its writer liked. */
static bool rsa_part_fits(const EVP_PKEY *key, const char *name, int bits) {
        _cleanup_(bn_clear_freep) BIGNUM *n = NULL;

        if (EVP_PKEY_get_bn_param(key, name, &n) != 1)
                return true;

        return BN_num_bits(n) <= bits;
}

static bool rsa_parts_fit(const EVP_PKEY *key) {
        static const char *const names[] = {
                OSSL_PKEY_PARAM_RSA_D,
                OSSL_PKEY_PARAM_RSA_E,
                OSSL_PKEY_PARAM_RSA_FACTOR1,
                OSSL_PKEY_PARAM_RSA_FACTOR2,
                OSSL_PKEY_PARAM_RSA_FACTOR3,
                OSSL_PKEY_PARAM_RSA_FACTOR4,
                OSSL_PKEY_PARAM_RSA_FACTOR5,
                OSSL_PKEY_PARAM_RSA_EXPONENT1,
                OSSL_PKEY_PARAM_RSA_EXPONENT2,
                OSSL_PKEY_PARAM_RSA_EXPONENT3,
                OSSL_PKEY_PARAM_RSA_EXPONENT4,
                OSSL_PKEY_PARAM_RSA_EXPONENT5,
                OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
                OSSL_PKEY_PARAM_RSA_COEFFICIENT2,
                OSSL_PKEY_PARAM_RSA_COEFFICIENT3,
                OSSL_PKEY_PARAM_RSA_COEFFICIENT4,
        };
        int bits = EVP_PKEY_get_bits(key);
        bool ok = true;

        for (size_t i = 0; i < ARRAY_SIZE(names) && ok; i++)
                ok = rsa_part_fits(key, names[i], bits);

        ERR_clear_error();
        return ok;
}

int fit_check_key(const EVP_PKEY *key, char *ret_name, size_t size, LoadFailure *ret_failure) {
        int r = keytype_name(key, ret_name, size), type = EVP_PKEY_get_base_id(key);

        ERR_clear_error();
        switch (r) {
        case 0:
                break;
        case KEYTYPE_E_POLICY:
                return load_failure(ret_failure, VERDICT_POLICY, "make a new key of 2048 bits or more, or one on P-256",
                                    "the private key is %s: RSA needs 2048 bits", ret_name);
        case KEYTYPE_E_LIMIT:
                return load_failure(ret_failure, VERDICT_LIMIT, "RSA up to 8192 bits is taken; 3072 are plenty", "the private key is %s", ret_name);
        default:
                return load_failure(ret_failure, VERDICT_UNSUPPORTED, "use RSA, P-256, P-384, P-521, Ed25519 or Ed448 with a named curve",
                                    "keys of type %s are not supported", ret_name);
        }

        if ((type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) && !rsa_parts_fit(key))
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_DAMAGED, "a part of the RSA key is longer than its modulus");
        return 0;
}

/* Return: 0, 1 when the key does not sign or the certificate does not verify, -ENOMEM */
static int try_signature(EVP_PKEY *key, EVP_PKEY *public) {
        static const uint8_t text[] = "midtls: does this key belong to this certificate?";
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
        _cleanup_free_ uint8_t *signature = NULL;
        size_t size = 0;

        if (!sign || !verify)
                return -ENOMEM;
        /* Without a digest's name: the one that the key's type, or its parameters, ask for. */
        if (EVP_DigestSignInit(sign, NULL, NULL, NULL, key) != 1 || EVP_DigestSign(sign, NULL, &size, text, sizeof(text)) != 1 || size == 0)
                return 1;
        signature = malloc(size);
        if (!signature)
                return -ENOMEM;
        if (EVP_DigestSign(sign, signature, &size, text, sizeof(text)) != 1)
                return 1;

        return EVP_DigestVerifyInit(verify, NULL, NULL, NULL, public) == 1 && EVP_DigestVerify(verify, signature, size, text, sizeof(text)) == 1 ? 0
                                                                                                                                                 : 1;
}

int fit_check_pair(EVP_PKEY *key, X509 *leaf, LoadFailure *ret_failure) {
        EVP_PKEY *public = X509_get0_pubkey(leaf);
        int r;

        if (!public || X509_check_private_key(leaf, key) != 1)
                r = 1;
        else
                r = try_signature(key, public);

        ERR_clear_error();
        if (r > 0)
                return load_failure(ret_failure, VERDICT_MISMATCH, HINT_DAMAGED,
                                    "the private key is damaged: what it signs does not verify with the certificate's public key");
        return r;
}
