/* SPDX-License-Identifier: Apache-2.0 */

/*
 * take() and grab() are the only functions that move a position. Lengths are compared with what is left, never added first.
 */

#include "common/wire.h"

/* reader */

static const uint8_t *take(WireReader *r, size_t size) {
        const uint8_t *p = r->rest.data;

        if (r->failed || size > r->rest.size) {
                r->failed = true;
                return NULL;
        }

        r->rest.data += size;
        r->rest.size -= size;
        return p;
}

void wire_reader_init(WireReader *r, Span input) {
        /* Never NULL, so that moving an empty span is defined. */
        *r = (WireReader) {.rest = {.data = input.data ? input.data : (const uint8_t *) "", .size = input.size}};
}

static uint64_t get_uint(WireReader *r, size_t size) {
        const uint8_t *p = take(r, size);
        uint64_t v = 0;

        if (!p)
                return 0;
        for (size_t i = 0; i < size; i++)
                v = v << 8 | p[i];

        return v;
}

uint8_t wire_get_u8(WireReader *r) {
        return (uint8_t) get_uint(r, 1);
}

uint16_t wire_get_u16(WireReader *r) {
        return (uint16_t) get_uint(r, 2);
}

uint32_t wire_get_u24(WireReader *r) {
        return (uint32_t) get_uint(r, 3);
}

uint32_t wire_get_u32(WireReader *r) {
        return (uint32_t) get_uint(r, 4);
}

uint64_t wire_get_u64(WireReader *r) {
        return get_uint(r, 8);
}

Span wire_get_fixed(WireReader *r, size_t size) {
        const uint8_t *p = take(r, size);

        return p ? span_make(p, size) : (Span) {};
}

void wire_get_bytes(WireReader *r, uint8_t *ret, size_t size) {
        const uint8_t *p = take(r, size);

        if (p)
                memcpy(ret, p, size);
        else
                memset(ret, 0, size);
}

Span wire_get_vector(WireReader *r, size_t length_size, size_t min, size_t max) {
        uint64_t size;

        ASSERT(length_size >= 1 && length_size <= 4);

        size = get_uint(r, length_size);
        if (size < min || size > max)
                r->failed = true;

        return wire_get_fixed(r, size);
}

Span wire_get_text(WireReader *r, size_t min, size_t max) {
        Span v = wire_get_vector(r, 2, min, max);

        for (size_t i = 0; i < v.size; i++)
                if ((v.data[i] < 0x20 && v.data[i] != '\t') || v.data[i] == 0x7f) {
                        r->failed = true;
                        return (Span) {};
                }

        return v;
}

void wire_reader_check(WireReader *r, bool ok) {
        if (!ok)
                r->failed = true;
}

int wire_reader_end(const WireReader *r) {
        return r->failed || r->rest.size > 0 ? WIRE_E_MALFORMED : 0;
}

/* writer */

static uint8_t *grab(WireWriter *w, size_t size) {
        uint8_t *p = NULL;

        if (w->error < 0)
                return NULL;

        w->error = buf_extend(w->buf, size, &p);
        return w->error < 0 ? NULL : p;
}

void wire_writer_init(WireWriter *w, Buf *buf) {
        *w = (WireWriter) {.buf = buf};
}

static void put_uint(WireWriter *w, size_t size, uint64_t v) {
        uint8_t *p = grab(w, size);

        if (!p)
                return;
        for (size_t i = size; i > 0; i--, v >>= 8)
                p[i - 1] = (uint8_t) v;
}

void wire_put_u8(WireWriter *w, uint8_t v) {
        put_uint(w, 1, v);
}

void wire_put_u16(WireWriter *w, uint16_t v) {
        put_uint(w, 2, v);
}

void wire_put_u24(WireWriter *w, uint32_t v) {
        if (v >> 24 != 0) {
                w->error = w->error < 0 ? w->error : -EMSGSIZE;
                return;
        }

        put_uint(w, 3, v);
}

void wire_put_u32(WireWriter *w, uint32_t v) {
        put_uint(w, 4, v);
}

void wire_put_u64(WireWriter *w, uint64_t v) {
        put_uint(w, 8, v);
}

void wire_put_bytes(WireWriter *w, const void *data, size_t size) {
        uint8_t *p;

        if (size == 0)
                return;

        p = grab(w, size);
        if (p)
                memcpy(p, data, size);
}

void wire_put_vector(WireWriter *w, size_t length_size, Span v) {
        ASSERT(length_size >= 1 && length_size <= 4);

        if (v.size >> (8 * length_size) != 0) {
                w->error = w->error < 0 ? w->error : -EMSGSIZE;
                return;
        }

        put_uint(w, length_size, v.size);
        wire_put_bytes(w, v.data, v.size);
}

void wire_put_text(WireWriter *w, Span v) {
        wire_put_vector(w, 2, v);
}

int wire_writer_end(const WireWriter *w) {
        return w->error;
}
