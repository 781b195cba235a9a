/* SPDX-License-Identifier: Apache-2.0 */

/*
 * For each half of the salt: x = half, then so many times x = MD5(x, password); both x make the 3DES key and the IV.
 *
 * When the halves are equal, the first is turned round. Early releases had a slip there that turns [a, b, c, d] into [d, a, b, d];
 * later ones reverse. A store in which it matters (one of 2^32) may come from either, so both are tried.
 */

#include <string.h>

#include "keyd/crypto/ossl.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/java-crypto.h"
#include "keyd/loader/keystore/java-protector.h"
#include "keyd/loader/keystore/java-recover.h"

#define SALT_SIZE 8U
#define HALF_SIZE 4U
#define MD5_SIZE 16U

DEFINE_CLEANUP(PBEPARAM *, PBEPARAM_free)

static int fail_format(const char *alias, const char *what, LoadFailure *f) {
        return load_failure(f, VERDICT_FORMAT, "import the key into the keystore again", "the key of entry \"%s\" is malformed: %s",
                            alias ? alias : "", what);
}

/* SEQUENCE { OCTET STRING salt, INTEGER iterations }: what PKCS #5 calls PBEParameter */
static int get_parameters(const ASN1_TYPE *parameter, const char *alias, uint8_t salt[static SALT_SIZE], uint32_t *ret_iterations, LoadFailure *f) {
        _cleanup_(PBEPARAM_freep) PBEPARAM *p = NULL;
        int64_t iterations = 0;

        if (parameter)
                p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);
        if (!p || ASN1_STRING_length(p->salt) != SALT_SIZE) {
                ERR_clear_error();
                return fail_format(alias, "it has no salt of 8 bytes and iteration count", f);
        }
        if (ASN1_INTEGER_get_int64(&iterations, p->iter) != 1) {
                /* It does not fit 64 bits. */
                ERR_clear_error();
                iterations = INT64_MAX;
        }
        if (iterations < 1)
                return fail_format(alias, "its iteration count is not positive", f);
        if (iterations > KEYSTORE_ITERATIONS_MAX)
                return load_failure(f, VERDICT_LIMIT, "encrypt the key again with fewer iterations (jdk.jceks.iterationCount)",
                                    "the key of entry \"%s\" asks for %lld iterations; at most %u are made", alias ? alias : "",
                                    (long long) iterations, KEYSTORE_ITERATIONS_MAX);

        memcpy(salt, ASN1_STRING_get0_data(p->salt), SALT_SIZE);
        *ret_iterations = (uint32_t) iterations;
        return 0;
}

static int derive_half(JavaCrypto *crypto, const uint8_t *half, uint32_t iterations, JavaBytes password, uint8_t *to) {
        JavaBytes x = java_bytes_make(half, HALF_SIZE);

        for (uint32_t i = 0; i < iterations; i++) {
                int r = java_crypto_digest(crypto, (JavaBytes[]) {x, password}, 2, to);

                if (r < 0)
                        return r;
                x = java_bytes_make(to, MD5_SIZE);
        }

        return 0;
}

/* Return: 0 or -errno */
static int derive(JavaCrypto *crypto, const uint8_t *salt, uint32_t iterations, const Secret *password, Secret **ret) {
        /*
         * One byte a character, ASCII only, until Java 21; UTF-8 in Java 25. For ASCII that is the same, so the bytes are taken as they are.
         */
        JavaBytes bytes = password ? java_bytes_from_secret(password) : (JavaBytes) {};
        _cleanup_(secret_freep) Secret *key = NULL;
        int r;

        r = secret_new(2 * MD5_SIZE, &key);
        if (r < 0)
                return r;
        for (size_t h = 0; h < 2; h++) {
                r = derive_half(crypto, salt + h * HALF_SIZE, iterations, bytes, secret_writable(key) + h * MD5_SIZE);
                if (r < 0)
                        return r;
        }
        secret_set_size(key, 2 * MD5_SIZE);

        *ret = TAKE_PTR(key);
        return 0;
}

/* Padding alone fits a wrong key once in 256 times. */
static bool looks_decrypted(const Secret *plain) {
        _cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
        const uint8_t *p = secret_data(plain);

        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long) secret_size(plain));
        ERR_clear_error();
        return info;
}

/* Return: 0, JAVA_CRYPTO_E_*, -errno */
static int open_with(JavaCrypto *crypto, JavaBytes cipher, const uint8_t *salt, uint32_t iterations, const Secret *password, Secret **ret) {
        _cleanup_(secret_freep) Secret *key = NULL, *plain = NULL;
        int r;

        r = derive(crypto, salt, iterations, password, &key);
        if (r < 0)
                return r;
        r = java_crypto_decrypt_3des(key, cipher, &plain);
        if (r)
                return r;
        if (!looks_decrypted(plain))
                return JAVA_CRYPTO_E_DECRYPT;

        *ret = TAKE_PTR(plain);
        return 0;
}

static int open_forms(JavaCrypto *crypto, JavaBytes cipher, const uint8_t *salt, uint32_t iterations, const Secret *password, Secret **ret) {
        uint8_t reversed[SALT_SIZE] = {salt[3], salt[2], salt[1], salt[0], salt[4], salt[5], salt[6], salt[7]};
        uint8_t slipped[SALT_SIZE] = {salt[3], salt[0], salt[1], salt[3], salt[4], salt[5], salt[6], salt[7]};
        int r;

        if (memcmp(salt, salt + HALF_SIZE, HALF_SIZE) != 0)
                return open_with(crypto, cipher, salt, iterations, password, ret);

        r = open_with(crypto, cipher, reversed, iterations, password, ret);
        if (r != JAVA_CRYPTO_E_DECRYPT)
                return r;

        return open_with(crypto, cipher, slipped, iterations, password, ret);
}

int jceks_protector_open(JavaBytes cipher, const ASN1_TYPE *parameter, const Secret *password, const char *alias, Secret **ret,
                         LoadFailure *ret_failure) {
        _cleanup_(java_crypto_freep) JavaCrypto *crypto = NULL;
        uint8_t salt[SALT_SIZE];
        uint32_t iterations;
        int r;

        r = get_parameters(parameter, alias, salt, &iterations, ret_failure);
        if (r)
                return r;
        if (cipher.size == 0 || cipher.size % 8 != 0)
                return fail_format(alias, "its size is not a multiple of the cipher's block", ret_failure);

        r = java_crypto_new("MD5", &crypto);
        if (r == 0)
                r = open_forms(crypto, cipher, salt, iterations, password, ret);
        if (r == JAVA_CRYPTO_E_UNAVAILABLE)
                return java_fail_unavailable("MD5 or triple DES", ret_failure);

        return r == JAVA_CRYPTO_E_DECRYPT ? java_fail_keypass(alias, ret_failure) : r;
}
