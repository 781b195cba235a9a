/* SPDX-License-Identifier: Apache-2.0 */

/*
 * java_get_fixed() is the only function that moves the position. Lengths are compared with what is left, never added first.
 */

#include "keyd/loader/keystore/java-reader.h"

#include <openssl/crypto.h>

bool java_bytes_equal(JavaBytes a, JavaBytes b) {
        return a.size == b.size && CRYPTO_memcmp(a.data, b.data, a.size) == 0;
}

void java_reader_init(JavaReader *r, JavaBytes input) {
        *r = (JavaReader) {.rest = input};
}

JavaBytes java_get_fixed(JavaReader *r, size_t size) {
        JavaBytes taken = {.data = r->rest.data, .size = size};

        if (r->failed || size > r->rest.size) {
                r->failed = true;
                return (JavaBytes) {.data = (const uint8_t *) ""};
        }

        r->rest.data += size;
        r->rest.size -= size;
        return taken;
}

static uint32_t get_uint(JavaReader *r, size_t size) {
        JavaBytes b = java_get_fixed(r, size);
        uint32_t v = 0;

        for (size_t i = 0; i < b.size; i++)
                v = v << 8 | b.data[i];

        return v;
}

uint8_t java_get_u8(JavaReader *r) {
        return (uint8_t) get_uint(r, 1);
}

uint32_t java_get_u32(JavaReader *r) {
        return get_uint(r, 4);
}

JavaBytes java_get_utf(JavaReader *r) {
        return java_get_fixed(r, get_uint(r, 2));
}

JavaBytes java_get_block(JavaReader *r) {
        return java_get_fixed(r, get_uint(r, 4));
}
