#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Span: bytes that are borrowed and not trusted
 *
 * A Span never owns; it lives as long as what it points into. There is no way from a Secret to a Span.
 */

#include <string.h>

#include "common/def.h"

typedef struct Span {
        const uint8_t *data;
        size_t size;
} Span;

#define SPAN_LITERAL(s) ((Span) {.data = (const uint8_t *) (s), .size = sizeof(s) - 1})

static inline Span span_from_string(const char *s) {
        return (Span) {.data = (const uint8_t *) s, .size = s ? strlen(s) : 0};
}

static inline Span span_make(const void *data, size_t size) {
        return (Span) {.data = data, .size = size};
}

/* Compares in time that depends on the sizes only. */
bool span_equal(Span a, Span b);

/* Byte for byte equal to the C string @s. */
bool span_is(Span a, const char *s);

/* ASCII letters compare without case. */
bool span_is_nocase(Span a, const char *s);

/*
 * A NUL-terminated copy, owned by the caller (free). Bytes of @a may hold no NUL.
 *
 * Return: 0, -EINVAL when @a holds a NUL, -ENOMEM
 */
int span_to_string(Span a, char **ret) _must_check_;

/* What fits, as a C string; @size includes the NUL. */
void span_copy_text(Span a, char *ret, size_t size);
