/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/evp.h>
#include <string.h>

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/keystore/pem-block.h"
#include "keyd/loader/secrets/vault.h"

/* Smaller is no keystore, and no password is as large and the base64 of what begins like one. */
#define KEYSTORE_SIZE_MIN 200U

/* What is no blank; base64 comes in lines. Return: how many bytes of @to were written */
static size_t copy_without_blanks(const Secret *from, uint8_t *to) {
        size_t n = 0;

        for (size_t i = 0; i < secret_size(from); i++)
                if (!strchr(" \t\r\n", secret_data(from)[i]))
                        to[n++] = secret_data(from)[i];

        return n;
}

static bool begins_like_keystore(const uint8_t *data) {
        static const uint8_t magics[][4] = {{0xfe, 0xed, 0xfe, 0xed}, {0xce, 0xce, 0xce, 0xce}};

        for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
                if (memcmp(data, magics[i], sizeof(magics[i])) == 0)
                        return true;

        /* SEQUENCE, its length in two or three bytes or indefinite */
        return data[0] == BER_SEQUENCE && (data[1] == 0x81 || data[1] == 0x82 || data[1] == 0x83 || data[1] == 0x80);
}

/* Return: 0 with *ret NULL when it is no base64; -errno */
static int decode(const Secret *value, Secret **ret) {
        _cleanup_(secret_freep) Secret *text = NULL, *data = NULL;
        size_t n, padding;
        int size, r;

        r = secret_new(secret_size(value), &text);
        if (r < 0)
                return r;
        n = copy_without_blanks(value, secret_writable(text));
        if (n == 0 || n % 4 != 0 || n > INT32_MAX)
                return 0;
        r = secret_new(n / 4 * 3, &data);
        if (r < 0)
                return r;

        size = EVP_DecodeBlock(secret_writable(data), secret_data(text), (int) n);
        padding = (size_t) (secret_data(text)[n - 1] == '=') + (secret_data(text)[n - 2] == '=');
        if (size < 0 || (size_t) size != n / 4 * 3)
                return 0;

        secret_set_size(data, (size_t) size - padding);
        *ret = TAKE_PTR(data);
        return 0;
}

int vault_value_as_keystore(const Secret *value, Secret **ret) {
        _cleanup_(secret_freep) Secret *data = NULL;
        int r;

        *ret = NULL;
        if (pem_has_block(ber_from_secret(value)))
                return secret_new_from(secret_data(value), secret_size(value), ret);

        r = decode(value, &data);
        if (r < 0)
                return r;
        if (data && secret_size(data) >= KEYSTORE_SIZE_MIN && begins_like_keystore(secret_data(data)))
                *ret = TAKE_PTR(data);

        return 0;
}
