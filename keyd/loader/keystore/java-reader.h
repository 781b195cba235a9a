#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The cursor over a Java keystore, which lies in a Secret
 *
 * JavaBytes borrows from that Secret and lives no longer. It is a type of its own, so that nothing that takes a Span (a message, a
 * log) takes it. Big-endian; sticky as WireReader is: after a failure getters return zero, and one question at the end is enough.
 */

#include "keyd/crypto/secret.h"

typedef struct JavaBytes {
        const uint8_t *data;
        size_t size;
} JavaBytes;

typedef struct JavaReader {
        JavaBytes rest;
        bool failed;
} JavaReader;

static inline JavaBytes java_bytes_make(const void *data, size_t size) {
        return (JavaBytes) {.data = data, .size = size};
}

static inline JavaBytes java_bytes_from_secret(const Secret *s) {
        return (JavaBytes) {.data = secret_data(s), .size = secret_size(s)};
}

/* In time that depends on the sizes only. */
bool java_bytes_equal(JavaBytes a, JavaBytes b);

void java_reader_init(JavaReader *r, JavaBytes input);
uint8_t java_get_u8(JavaReader *r);
uint32_t java_get_u32(JavaReader *r);

/* Exactly @size bytes. Empty after a failure. */
JavaBytes java_get_fixed(JavaReader *r, size_t size);

/* What DataOutputStream.writeUTF() wrote: a length of two bytes, then modified UTF-8, which is not looked at here. */
JavaBytes java_get_utf(JavaReader *r);

/* A length of four bytes, then as many. Java's is signed; what is negative there is more than any store has here, and fails. */
JavaBytes java_get_block(JavaReader *r);
