/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The patterns: first and middle 32 bytes of each private number in both byte orders (OpenSSL's limbs are little-endian),
 * an EC scalar and an Ed25519 seed whole, and the lines of the PEM text.
 */

#include <errno.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "tests/lib/scan.h"

#define PART 32U
#define NUMBER_SIZE_MAX 1024U

static void add(Patterns *p, const char *what, const char *how, const uint8_t *bytes, size_t size) {
        Pattern *new;

        if (p->n_items == PATTERNS_MAX || size > PATTERN_SIZE_MAX)
                return;

        new = &p->items[p->n_items++];
        snprintf(new->what, sizeof(new->what), "%s%s", what, how);
        memcpy(new->bytes, bytes, size);
        new->size = size;
}

static void add_both_orders(Patterns *p, const char *what, const uint8_t *bytes, size_t size) {
        uint8_t reversed[NUMBER_SIZE_MAX];
        size_t part = size < PART ? size : PART;

        for (size_t i = 0; i < size; i++)
                reversed[i] = bytes[size - 1 - i];

        add(p, what, "", bytes, part);
        add(p, what, " reversed", reversed, part);
        if (size < 2 * PART)
                return;
        add(p, what, " middle", bytes + (size - PART) / 2, PART);
        add(p, what, " middle reversed", reversed + (size - PART) / 2, PART);
}

static void add_number(Patterns *p, EVP_PKEY *key, const char *parameter) {
        uint8_t bytes[NUMBER_SIZE_MAX];
        BIGNUM *number = NULL;

        if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1)
                return;

        if (BN_num_bytes(number) <= (int) sizeof(bytes))
                add_both_orders(p, parameter, bytes, (size_t) BN_bn2bin(number, bytes));
        BN_clear_free(number);
}

static void add_key(Patterns *p, EVP_PKEY *key) {
        static const char *const numbers[] = {
                OSSL_PKEY_PARAM_RSA_D,         OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,
                OSSL_PKEY_PARAM_RSA_EXPONENT1, OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
        };
        uint8_t raw[64];
        size_t size = sizeof(raw);

        if (EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS"))
                for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                        add_number(p, key, numbers[i]);
        else if (EVP_PKEY_is_a(key, "EC"))
                add_number(p, key, OSSL_PKEY_PARAM_PRIV_KEY);
        else if (EVP_PKEY_get_raw_private_key(key, raw, &size) == 1)
                add_both_orders(p, "seed", raw, size);
}

/* The text of a PKCS#8 file; its first line says little more than the algorithm, so only full lines after it count. */
static void add_text(Patterns *p, FILE *file) {
        char line[128];
        unsigned n = 0;

        rewind(file);
        while (fgets(line, sizeof(line), file)) {
                size_t size = strcspn(line, "\r\n");

                if (strncmp(line, "-----", 5) != 0 && n++ > 0 && size >= PART)
                        add(p, "PEM text", "", (const uint8_t *) line, size > PATTERN_SIZE_MAX ? PATTERN_SIZE_MAX : size);
        }
}

int patterns_load(Patterns *ret, const char *pem_file) {
        EVP_PKEY *key;
        FILE *file;

        file = fopen(pem_file, "re");
        if (!file)
                return -errno;

        key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
        if (key) {
                add_key(ret, key);
                add_text(ret, file);
        }

        EVP_PKEY_free(key);
        fclose(file);
        return ret->n_items > 0 ? 0 : -EINVAL;
}
