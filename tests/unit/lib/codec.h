#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What holds for every message's decoder and encoder, checked from a description of the message that shares no code with them
 *
 * From its fields a body is made by hand, then varied: each field at its smallest and largest, one below and one above; every
 * truncation; one byte too many; text with control characters; lists with too many items. What is accepted must come out of the encoder
 * again, byte for byte. Every input lies in a heap block of exactly its size, so that AddressSanitizer sees any read beyond it.
 */

#include "common/buf.h"

typedef enum CodecKind {
        CODEC_UINT,   /* @size bytes; @min to @max */
        CODEC_FIXED,  /* @size bytes, any */
        CODEC_TEXT,   /* a two-byte length; @min to @max bytes, no control character but tab */
        CODEC_VECTOR, /* a length of @size bytes; @min to @max bytes, any */
        CODEC_LIST,   /* a two-byte count, up to PROTO_LIST_MAX texts of up to @max bytes */
        CODEC_PINS,   /* a two-byte count, up to PROTO_LIST_MAX times 32 bytes */
        CODEC_CHAIN,  /* a four-byte length, then up to PROTO_CHAIN_MAX certificates with three-byte lengths; @max bytes in all */
} CodecKind;

typedef struct CodecField {
        const char *name;
        CodecKind kind;
        size_t size;
        uint64_t min;
        uint64_t max;
        bool with_next; /* a list whose count the next field, a list too, shares */
} CodecField;

#define FIELD_U8(n, low, high) \
        { .name = (n), .kind = CODEC_UINT, .size = 1, .min = (low), .max = (high) }
#define FIELD_BOOL(n) FIELD_U8(n, 0, 1)
#define FIELD_U16(n) \
        { .name = (n), .kind = CODEC_UINT, .size = 2, .max = UINT16_MAX }
#define FIELD_TLS_VERSION(n) \
        { .name = (n), .kind = CODEC_UINT, .size = 2, .min = 0x0303, .max = 0x0304 }
#define FIELD_U32(n) \
        { .name = (n), .kind = CODEC_UINT, .size = 4, .max = UINT32_MAX }
#define FIELD_U64(n, low) \
        { .name = (n), .kind = CODEC_UINT, .size = 8, .min = (low), .max = UINT64_MAX }
#define FIELD_FIXED(n, bytes) \
        { .name = (n), .kind = CODEC_FIXED, .size = (bytes) }
#define FIELD_TEXT(n, low, high) \
        { .name = (n), .kind = CODEC_TEXT, .size = 2, .min = (low), .max = (high) }
#define FIELD_VECTOR(n, length_size, low, high) \
        { .name = (n), .kind = CODEC_VECTOR, .size = (length_size), .min = (low), .max = (high) }
#define FIELD_LIST(n, high) \
        { .name = (n), .kind = CODEC_LIST, .size = 2, .max = (high) }
#define FIELD_LIST_WITH_NEXT(n, high) \
        { .name = (n), .kind = CODEC_LIST, .size = 2, .max = (high), .with_next = true }
#define FIELD_PINS(n) \
        { .name = (n), .kind = CODEC_PINS, .size = 2 }
#define FIELD_CHAIN(n, high) \
        { .name = (n), .kind = CODEC_CHAIN, .size = 4, .max = (high) }

typedef struct Codec {
        const char *name;
        uint8_t type; /* the record's first byte */
        const CodecField *fields;
        size_t n_fields;
        int (*recode)(Span body, Buf *record); /* decodes, and encodes what was decoded; the decoder's result when it refuses */
} Codec;

/* Makes recode_OBJECT() for msg_OBJECT_decode() and msg_OBJECT_encode(). */
#define DEFINE_RECODE(type, object)                                    \
        static int recode_##object(Span body, Buf *record) {           \
                type m;                                                \
                int r = msg_##object##_decode(body, &m);               \
                                                                       \
                return r != 0 ? r : msg_##object##_encode(record, &m); \
        }

#define CODEC(object, record_type) \
        { .name = #object, .type = (record_type), .fields = object##_fields, .n_fields = ARRAY_SIZE(object##_fields), .recode = recode_##object }

/* All of it; fails the running cmocka test. */
void codec_check(const Codec *c);

/* A copy of @bytes in a heap block of exactly its size; free() it. */
uint8_t *codec_block(Span bytes);
