#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Buf: bytes that are owned, with a maximum that has to be named
 *
 * Grows by allocate, copy, wipe, free; is wiped when freed. Lives where it is declared:
 *
 *      _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);
 */

#include "common/span.h"

typedef struct Buf {
        uint8_t *data;
        size_t size;      /* bytes in use */
        size_t allocated; /* bytes allocated */
        size_t max;       /* size never exceeds this */
} Buf;

#define BUF_INIT(maximum) \
        { .max = (maximum) }

void buf_done(Buf *b);

/* Makes the buffer empty and keeps the memory. */
void buf_clear(Buf *b);

/* Return: 0, -EMSGSIZE when the maximum would be passed (nothing is added), -ENOMEM */
int buf_append(Buf *b, const void *data, size_t size) _must_check_;

/* Adds @size bytes whose content is to be written by the caller to *ret. Return: as buf_append. */
int buf_extend(Buf *b, size_t size, uint8_t **ret) _must_check_;

/* Appends formatted text without its NUL. Return: as buf_append. */
int buf_printf(Buf *b, const char *format, ...) _printf_(2, 3) _must_check_;

/* Drops the first @size bytes; @size is at most b->size (asserted). */
void buf_consume(Buf *b, size_t size);

static inline Span buf_span(const Buf *b) {
        return (Span) {.data = b->data, .size = b->size};
}

/* Moves ownership of the bytes: @from is empty afterwards, @to must be (asserted). */
void buf_move(Buf *to, Buf *from);
