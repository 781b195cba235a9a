/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The BCFKS reader on arbitrary bytes
 *
 * The first byte chooses: the rest is a whole store, whose frame is parsed and whose MAC will not fit; or the objects of an unencrypted
 * one, which gets a right MAC here, so that they are decoded. Stores that ask for much work are left alone: that is allowed and only slow.
 */

#include <openssl/hmac.h>
#include <string.h>

#include "keyd/loader/keystore/bcfks-crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t algorithm[] = {0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b, 0x05, 0x00};
static const uint8_t version_head[] = {0x02, 0x01, 0x01};
static const uint8_t dates[] = "\x18\x0f"
                               "20260101000000Z"
                               "\x18\x0f"
                               "20260101000000Z";

/* PBKDF2 of one iteration with HMAC-SHA-512, salt "salt", a key of 64 bytes */
static const uint8_t kdf[] = {0x30, 0x27, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c, 0x30,
                              0x1a, 0x04, 0x04, 0x73, 0x61, 0x6c, 0x74, 0x02, 0x01, 0x01, 0x02, 0x01, 0x40, 0x30,
                              0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b, 0x05, 0x00};

/* Writes backwards from *end, so that lengths are known. */
static void put(uint8_t **end, const void *bytes, size_t size) {
        *end -= size;
        if (size > 0)
                memcpy(*end, bytes, size);
}

static void put_head(uint8_t **end, uint8_t tag, size_t size) {
        size_t n = size < 0x80 ? 0 : size < 0x100 ? 1 : size < 0x10000 ? 2 : 3;

        for (size_t i = 0; i < n; i++, size >>= 8)
                put(end, (uint8_t[]) {(uint8_t) size}, 1);
        put(end, (uint8_t[]) {(uint8_t) (n == 0 ? size : 0x80 | n)}, 1);
        put(end, &tag, 1);
}

static void mac_make(const uint8_t *data, size_t size, uint8_t ret[64]) {
        static const char purpose[] = "INTEGRITY_CHECK";
        uint8_t input[2 * sizeof(purpose)] = {}, key[64];

        for (size_t i = 0; i < sizeof(purpose); i++)
                input[2 * i + 1] = (uint8_t) purpose[i];
        ASSERT(PKCS5_PBKDF2_HMAC((const char *) input, sizeof(input), (const uint8_t *) "salt", 4, 1, EVP_sha512(), sizeof(key), key) == 1);
        ASSERT(HMAC(EVP_sha512(), key, sizeof(key), data, size, ret, NULL));
}

/* The store around the objects @data. */
static Secret *wrap(const uint8_t *data, size_t size) {
        size_t room = size + 512, n_data, n_check = sizeof(algorithm) + sizeof(kdf) + 66;
        uint8_t *first = malloc(room), *end = first + room, mac[64];
        Secret *store = NULL;
        uint8_t *to;

        ASSERT(first && secret_new(room, &store) == 0);
        put(&end, data, size);
        put_head(&end, 0x30, size);
        put(&end, dates, sizeof(dates) - 1);
        put(&end, algorithm, sizeof(algorithm));
        put(&end, version_head, sizeof(version_head));
        put_head(&end, 0x30, (size_t) (first + room - end));
        n_data = (size_t) (first + room - end);
        mac_make(end, n_data, mac);

        to = secret_writable(store) + room;
        put(&to, mac, sizeof(mac));
        put_head(&to, 0x04, sizeof(mac));
        put(&to, kdf, sizeof(kdf));
        put(&to, algorithm, sizeof(algorithm));
        put_head(&to, 0x30, n_check);
        put(&to, end, n_data);
        put_head(&to, 0x30, (size_t) (secret_writable(store) + room - to));
        n_data = (size_t) (secret_writable(store) + room - to);
        memmove(secret_writable(store), to, n_data);
        secret_set_size(store, n_data);
        free(first);
        return store;
}

static bool is_quick_kdf(const BcfksKdf *k) {
        return k->iterations <= 4096 && k->cost * k->block_size <= 4096 && k->block_size <= 16;
}

static bool is_quick_store(const Secret *file) {
        LoadFailure f = {};
        BcfksCipher cipher;
        BcfksStore store;
        BcfksKdf k;

        if (!bcfks_store_parse(java_bytes_from_secret(file), &store) || store.is_signed || bcfks_kdf_parse(&store.kdf, "fuzz", &k, &f) != 0)
                return true;
        if (!is_quick_kdf(&k))
                return false;

        return !store.is_encrypted || bcfks_cipher_parse(&store.encrypted.algorithm, "fuzz", &cipher, &f) != 0 || is_quick_kdf(&cipher.kdf);
}

static bool is_quick_key(const Secret *key) {
        LoadFailure f = {};
        BcfksEncrypted e;
        BcfksCipher cipher;
        JavaReader r;

        java_reader_init(&r, java_bytes_from_secret(key));
        e = bcfks_get_encrypted(&r);
        return !der_end(&r) || bcfks_cipher_parse(&e.algorithm, "fuzz", &cipher, &f) != 0 || is_quick_kdf(&cipher.kdf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(secret_freep) Secret *file = NULL;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f = {};
        int r;

        if (size < 1 || size > 1U << 20)
                return 0;
        if (data[0] & 1)
                file = wrap(data + 1, size - 1);
        else
                ASSERT(secret_new_from(data + 1, size - 1, &file) == 0);
        if (!is_quick_store(file))
                return 0;
        r = bcfks_open("fuzz", file, NULL, &k, &f);
        /* A MAC of our own fits: the frame above is what the reader takes for one. */
        ASSERT(!(data[0] & 1) || r == 0 || f.verdict != VERDICT_AUTH);
        if (r != 0)
                return 0;

        for (size_t i = 0; i < k.n_entries; i++) {
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

                if (is_quick_key(k.entries[i].key))
                        ignore_result(k.entries[i].recover(&k.entries[i], NULL, &key, &f), "any verdict will do");
        }

        return 0;
}
