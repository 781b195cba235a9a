/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Secrets in heap blocks of exactly their capacity, in place of the mappings of keyd/crypto/secret.c: a sanitizer sees a read of one
 * byte too many. The NUL byte behind the content is left out, because the readers under test must not need it.
 */

#include <string.h>

#include "keyd/crypto/secret.h"

struct Secret {
        uint8_t *bytes;
        size_t capacity;
        size_t size;
};

int secret_new(size_t capacity, Secret **ret) {
        Secret *s = calloc(1, sizeof(*s));

        ASSERT(s);
        s->bytes = malloc(capacity);
        ASSERT(s->bytes || capacity == 0);
        s->capacity = capacity;

        *ret = s;
        return 0;
}

int secret_new_from(const void *data, size_t size, Secret **ret) {
        int r = secret_new(size, ret);

        if (r == 0 && size > 0)
                memcpy((*ret)->bytes, data, size);
        if (r == 0)
                (*ret)->size = size;

        return r;
}

Secret *secret_free(Secret *s) {
        if (s)
                free(s->bytes);
        free(s);
        return NULL;
}

size_t secret_size(const Secret *s) {
        return s->size;
}

size_t secret_capacity(const Secret *s) {
        return s->capacity;
}

const uint8_t *secret_data(const Secret *s) {
        return s->bytes;
}

uint8_t *secret_writable(Secret *s) {
        return s->bytes;
}

void secret_set_size(Secret *s, size_t size) {
        ASSERT(size <= s->capacity);
        s->size = size;
}
