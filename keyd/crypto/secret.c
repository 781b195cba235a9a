/* SPDX-License-Identifier: Apache-2.0 */

/*
 * In a process that has an arena a secret lies there. Elsewhere each has a mapping of its own: it can be locked, kept out of dumps and wiped
 * without touching a neighbour.
 */

#include "keyd/crypto/secret.h"

#include <string.h>
#include <sys/mman.h>

#include "keyd/crypto/arena.h"

struct Secret {
        size_t mapped; /* with this header; 0 when it lies in the arena */
        size_t capacity;
        size_t size;
        uint8_t bytes[];
};

static int secret_map(size_t mapped, Secret **ret) {
        Secret *s;

        s = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (s == MAP_FAILED)
                return -errno;

        /* RLIMIT_MEMLOCK may be smaller than a keystore: the wiping and the dump flag hold without the lock. */
        ignore_result(mlock(s, mapped), "best effort");
        ignore_result(madvise(s, mapped, MADV_DONTDUMP), "best effort");
        ignore_result(madvise(s, mapped, MADV_WIPEONFORK), "best effort");
        s->mapped = mapped;

        *ret = s;
        return 0;
}

int secret_new(size_t capacity, Secret **ret) {
        Secret *s;
        int r;

        if (capacity > SIZE_MAX / 2)
                return -ENOMEM;

        if (arena_is_open()) {
                s = arena_allocate(sizeof(Secret) + capacity + 1);
                if (!s)
                        return -ENOMEM;
        } else {
                r = secret_map(sizeof(Secret) + capacity + 1, &s);
                if (r < 0)
                        return r;
        }
        s->capacity = capacity;

        *ret = s;
        return 0;
}

int secret_new_from(const void *data, size_t size, Secret **ret) {
        Secret *s;
        int r;

        r = secret_new(size, &s);
        if (r < 0)
                return r;

        if (size > 0)
                memcpy(s->bytes, data, size);
        s->size = size;

        *ret = s;
        return 0;
}

Secret *secret_free(Secret *s) {
        if (!s)
                return NULL;

        size_t mapped = s->mapped;

        if (mapped == 0) {
                arena_release(s);
                return NULL;
        }

        explicit_bzero(s, mapped);
        munmap(s, mapped);
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
        s->bytes[size] = 0;
}
