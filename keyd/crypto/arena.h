#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Arena: one piece of memory that holds everything secret of a process: all that OpenSSL allocates, and every Secret
 *
 * Opened once, as the first act of main(), and never closed: the kernel wipes it when the process ends. One thread only (asserted).
 * What is freed is wiped. The signer uses it; a process that never opens it is not changed by it.
 */

#include "common/def.h"

/* How well the memory is kept, worst first. */
typedef enum ArenaLevel {
        ARENA_UNLOCKED, /* may be swapped: mlock() was refused */
        ARENA_LOCKED,   /* mmap and mlock */
        ARENA_SECRET,   /* memfd_secret(2): no other process reads it, not even root's debugger; never swapped, never dumped */
        _ARENA_LEVEL_MAX,
} ArenaLevel;

typedef struct ArenaStatus {
        ArenaLevel level;
        size_t size;     /* bytes */
        bool not_dumped; /* MADV_DONTDUMP was taken */
        bool not_forked; /* a child gets zeroes (MADV_WIPEONFORK), or nothing at all (MADV_DONTFORK) */
} ArenaStatus;

/*
 * Takes the best memory that can be had, of at most @size_max bytes: less when RLIMIT_MEMLOCK wants it so.
 *
 * Before: not open (asserted)
 * Return: 0 with *ret filled, -errno
 */
int arena_open(size_t size_max, ArenaStatus *ret) _must_check_;

/* Makes OpenSSL allocate here. Before: open, and OpenSSL has allocated nothing. Return: 0, -EBUSY when it has */
int arena_use_for_openssl(void) _must_check_;

bool arena_is_open(void);

/* Zeroed, aligned for any type. Return: NULL when there is no room or @size is 0 */
void *arena_allocate(size_t size);

/* As realloc(), but wipes what is left behind; @p stays valid when NULL is returned (for @size 0 it is freed). */
void *arena_resize(void *p, size_t size);

/* Wipes and frees; NULL is taken. A pointer that is not a live one from here ends the process. */
void arena_release(void *p);

/* Bytes in live blocks, with their headers. */
size_t arena_used(void);

/* Whether less than an eighth is free. OpenSSL says all kinds of things when it gets no memory, so nobody should let it come to that. */
bool arena_is_nearly_full(void);

/* "memfd_secret", "locked memory", "unlocked memory" */
const char *arena_level_to_string(ArenaLevel level);
