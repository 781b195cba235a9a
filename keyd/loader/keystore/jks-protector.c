/* SPDX-License-Identifier: Apache-2.0 */

/*
 * salt[20], then the key XOR a stream, then check[20]
 *
 *      K1 = SHA-1(password, salt), Ki = SHA-1(password, K(i-1)); check = SHA-1(password, key)
 */

#include <string.h>

#include "keyd/crypto/ossl.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/java-crypto.h"
#include "keyd/loader/keystore/java-protector.h"
#include "keyd/loader/keystore/java-recover.h"
#include "keyd/loader/keystore/java-text.h"

#define SIZE 20U /* of SHA-1, the salt and the check */

/* @stream holds the salt when it begins: each block is the digest of the one before. */
static int decrypt(JavaCrypto *crypto, const Secret *password, JavaBytes in, Secret *stream, Secret *out) {
        uint8_t *block = secret_writable(stream), *to = secret_writable(out);

        for (size_t i = 0; i < in.size; i++) {
                if (i % SIZE == 0) {
                        int r = java_crypto_digest(crypto, (JavaBytes[]) {java_bytes_from_secret(password), java_bytes_make(block, SIZE)}, 2, block);

                        if (r < 0)
                                return r;
                }
                to[i] = in.data[i] ^ block[i % SIZE];
        }

        secret_set_size(out, in.size);
        return 0;
}

/* Return: 0; 1 when the check does not fit; -errno */
static int open_with(JavaCrypto *crypto, const Secret *utf16, JavaBytes salt, JavaBytes body, JavaBytes check, Secret **ret) {
        _cleanup_(secret_freep) Secret *stream = NULL, *plain = NULL;
        uint8_t digest[JAVA_DIGEST_MAX];
        int r;

        r = secret_new_from(salt.data, SIZE, &stream);
        if (r < 0)
                return r;
        r = secret_new(body.size, &plain);
        if (r < 0)
                return r;
        r = decrypt(crypto, utf16, body, stream, plain);
        if (r < 0)
                return r;
        r = java_crypto_digest(crypto, (JavaBytes[]) {java_bytes_from_secret(utf16), java_bytes_from_secret(plain)}, 2, digest);
        if (r < 0)
                return r;
        if (!java_bytes_equal(java_bytes_make(digest, SIZE), check))
                return 1;

        *ret = TAKE_PTR(plain);
        return 0;
}

int jks_protector_open(JavaBytes cipher, const Secret *password, const char *alias, Secret **ret, LoadFailure *ret_failure) {
        _cleanup_(java_crypto_freep) JavaCrypto *crypto = NULL;
        _cleanup_(secret_freep) Secret *utf16 = NULL;
        JavaBytes salt, body, check;
        JavaReader reader;
        int r;

        if (cipher.size < 2 * SIZE)
                return load_failure(ret_failure, VERDICT_FORMAT, "import the key into the keystore again",
                                    "the key of entry \"%s\" is malformed: %zu bytes are too few", alias ? alias : "", cipher.size);
        java_reader_init(&reader, cipher);
        salt = java_get_fixed(&reader, SIZE);
        body = java_get_fixed(&reader, cipher.size - 2 * SIZE);
        check = java_get_fixed(&reader, SIZE);

        r = java_crypto_new("SHA1", &crypto);
        if (r == JAVA_CRYPTO_E_UNAVAILABLE)
                return java_fail_unavailable("SHA-1", ret_failure);
        if (r < 0)
                return r;
        r = java_password_to_utf16(password, &utf16);
        if (r < 0)
                return r;
        r = open_with(crypto, utf16, salt, body, check, ret);

        return r > 0 ? java_fail_keypass(alias, ret_failure) : r;
}
