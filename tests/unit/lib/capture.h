#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What a piece of code writes to standard error */

#include <sys/mman.h>

#include "common/buf.h"
#include "tests/unit/lib/unit.h"

typedef struct Capture {
        int saved;
        int memory;
} Capture;

static inline Capture capture_begin(void) {
        Capture c = {.saved = dup(STDERR_FILENO), .memory = memfd_create("capture", MFD_CLOEXEC)};

        assert_true(c.saved >= 0 && c.memory >= 0);
        assert_int_equal(dup2(c.memory, STDERR_FILENO), STDERR_FILENO);
        return c;
}

/* Appends what was written, and a NUL that does not count, to @ret. */
static inline void capture_end(Capture *c, Buf *ret) {
        off_t size = lseek(c->memory, 0, SEEK_END);
        uint8_t *p;

        assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
        assert_true(size >= 0);
        assert_int_equal(buf_extend(ret, (size_t) size + 1, &p), 0);
        assert_int_equal(pread(c->memory, p, (size_t) size, 0), size);
        p[size] = 0;
        ret->size--;
        close(c->saved);
        close(c->memory);
}
