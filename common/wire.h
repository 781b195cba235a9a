#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The only cursors: WireReader over a Span, WireWriter into a Buf
 *
 * Big-endian. Both are sticky: after a failure getters return zero and puts do nothing, so code reads
 * like the message's schema and asks once, at the end. Also used for TLS handshake messages (RFC 8446, 3.4).
 */

#include "common/buf.h"

typedef struct WireReader {
        Span rest;
        bool failed;
} WireReader;

enum {
        _WIRE_E_SUCCESS,
        WIRE_E_MALFORMED, /* too short, a length out of bounds, or bytes left over */
};

void wire_reader_init(WireReader *r, Span input);
uint8_t wire_get_u8(WireReader *r);
uint16_t wire_get_u16(WireReader *r);
uint32_t wire_get_u24(WireReader *r);
uint32_t wire_get_u32(WireReader *r);
uint64_t wire_get_u64(WireReader *r);

/* Exactly @size bytes, borrowed from the input. Empty after a failure. */
Span wire_get_fixed(WireReader *r, size_t size);

/* Exactly @size bytes, copied to @ret; zeroes after a failure. */
void wire_get_bytes(WireReader *r, uint8_t *ret, size_t size);

/* A vector with a length of @length_size bytes (1 to 4), of @min to @max bytes; borrowed from the input. */
Span wire_get_vector(WireReader *r, size_t length_size, size_t min, size_t max);

/* A vector with a two-byte length that holds text: no NUL, no control character but tab. */
Span wire_get_text(WireReader *r, size_t min, size_t max);

/* Marks the reader failed when @ok is false: for what a schema says beyond sizes. */
void wire_reader_check(WireReader *r, bool ok);

static inline bool wire_reader_more(const WireReader *r) {
        return !r->failed && r->rest.size > 0;
}

/* Return: 0 when nothing failed and nothing is left over, else WIRE_E_MALFORMED */
int wire_reader_end(const WireReader *r) _must_check_;

typedef struct WireWriter {
        Buf *buf; /* borrowed */
        int error;
} WireWriter;

void wire_writer_init(WireWriter *w, Buf *buf);
void wire_put_u8(WireWriter *w, uint8_t v);
void wire_put_u16(WireWriter *w, uint16_t v);
void wire_put_u24(WireWriter *w, uint32_t v);
void wire_put_u32(WireWriter *w, uint32_t v);
void wire_put_u64(WireWriter *w, uint64_t v);
void wire_put_bytes(WireWriter *w, const void *data, size_t size);
void wire_put_vector(WireWriter *w, size_t length_size, Span v);
void wire_put_text(WireWriter *w, Span v);

/* Return: 0, -EMSGSIZE when the buffer's maximum or the range of a length or a 24-bit number was passed, -ENOMEM */
int wire_writer_end(const WireWriter *w) _must_check_;
