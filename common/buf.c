/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Growing never uses realloc(): it would leave the old bytes, which may be a request's body or a signature, in freed memory.
 */

#include "common/buf.h"

#include <stdarg.h>

#define BUF_ALLOCATED_MIN 256U

void buf_done(Buf *b) {
        if (!b)
                return;

        if (b->data)
                explicit_bzero(b->data, b->allocated);
        free(b->data);
        b->data = NULL;
        b->size = b->allocated = 0;
}

void buf_clear(Buf *b) {
        b->size = 0;
}

static int reserve(Buf *b, size_t size) {
        size_t wanted = b->allocated < BUF_ALLOCATED_MIN ? BUF_ALLOCATED_MIN : b->allocated;
        uint8_t *data;

        if (size > b->max - MIN_OF(b->size, b->max))
                return -EMSGSIZE;
        if (size <= b->allocated - b->size)
                return 0;

        while (wanted - b->size < size)
                wanted = wanted > b->max / 2 ? b->max : wanted * 2;

        data = malloc(wanted);
        if (!data)
                return -ENOMEM;

        if (b->data) {
                memcpy(data, b->data, b->size);
                explicit_bzero(b->data, b->allocated);
                free(b->data);
        }
        b->data = data;
        b->allocated = wanted;
        return 0;
}

int buf_extend(Buf *b, size_t size, uint8_t **ret) {
        int r;

        r = reserve(b, size);
        if (r < 0)
                return r;

        /* An empty buffer has no memory, and NULL + 0 is undefined in C. */
        *ret = b->data ? b->data + b->size : NULL;
        b->size += size;
        return 0;
}

int buf_append(Buf *b, const void *data, size_t size) {
        uint8_t *p;
        int r;

        if (size == 0)
                return 0;

        r = buf_extend(b, size, &p);
        if (r < 0)
                return r;

        memcpy(p, data, size);
        return 0;
}

int buf_printf(Buf *b, const char *format, ...) {
        _cleanup_free_ char *s = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&s, format, ap);
        va_end(ap);
        if (n < 0) {
                s = NULL;
                return -ENOMEM;
        }

        return buf_append(b, s, (size_t) n);
}

void buf_consume(Buf *b, size_t size) {
        ASSERT(size <= b->size);

        if (size == 0)
                return;
        memmove(b->data, b->data + size, b->size - size);
        b->size -= size;
}

void buf_move(Buf *to, Buf *from) {
        ASSERT(!to->data);

        *to = *from;
        from->data = NULL;
        from->size = from->allocated = 0;
}
