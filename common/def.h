#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The words every file uses: attributes, cleanup, assertions, time
 *
 * libc only; both daemons, the command and the tests include this.
 */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define _must_check_ __attribute__((warn_unused_result))
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _unused_ __attribute__((unused))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _noreturn_ __attribute__((noreturn))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN_OF(a, b) ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b) ((a) > (b) ? (a) : (b))

/* Ownership leaves a variable only through these: the variable is empty afterwards. */
#define TAKE_PTR(p)                    \
        ({                             \
                typeof(p) *_pp = &(p); \
                typeof(p) _v = *_pp;   \
                *_pp = NULL;           \
                _v;                    \
        })
#define TAKE_FD(fd)               \
        ({                        \
                int *_pf = &(fd); \
                int _f = *_pf;    \
                *_pf = -1;        \
                _f;               \
        })

/* Makes `x_freep`, for `_cleanup_(x_freep) X *x = NULL;` from the destructor `func` that takes an X *. */
#define DEFINE_CLEANUP(type, func)                   \
        static inline void func##p(type *_pointer) { \
                if (*_pointer)                       \
                        func(*_pointer);             \
        }

/* For our own bugs only, never for anything a peer sent; always on. */
#define ASSERT(expr)                                                                                    \
        do {                                                                                            \
                if (!(expr)) {                                                                          \
                        fprintf(stderr, "<0>%s:%d: assertion failed: %s\n", __FILE__, __LINE__, #expr); \
                        abort();                                                                        \
                }                                                                                       \
        } while (0)

/* Ignores the result of a must-check function; the reason is for the reader. */
#define ignore_result(expr, reason)                      \
        do {                                             \
                typeof(expr) _ignored _unused_ = (expr); \
        } while (0)

static inline void close_fdp(int *fd) {
        if (*fd >= 0)
                close(*fd);
        *fd = -1;
}

static inline void free_pp(void *p) {
        void **pp = p;

        free(*pp);
        *pp = NULL;
}

static inline void fclosep(FILE **f) {
        if (*f)
                fclose(*f);
        *f = NULL;
}

#define _cleanup_fd_ _cleanup_(close_fdp)
#define _cleanup_free_ _cleanup_(free_pp)
#define _cleanup_fclose_ _cleanup_(fclosep)

/* Time is microseconds of CLOCK_MONOTONIC unless a name says `realtime`. */

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC UINT64_C(1000000)
#define USEC_PER_MINUTE (60 * USEC_PER_SEC)
#define USEC_INFINITY UINT64_MAX

static inline uint64_t now_usec(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
        return (uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000;
}

/* The deadline that lies @timeout_usec from now; saturates at USEC_INFINITY. */
static inline uint64_t deadline_after(uint64_t timeout_usec) {
        uint64_t now = now_usec();

        return timeout_usec > USEC_INFINITY - now ? USEC_INFINITY : now + timeout_usec;
}

/* What poll() takes to wait until @deadline_usec: milliseconds rounded up, 0 when passed, -1 for USEC_INFINITY. */
int deadline_to_poll_ms(uint64_t deadline_usec);
