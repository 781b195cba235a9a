/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Blocks lie one behind the other, each with a header that says how long it and the one before it are, so that a freed block joins its free
 * neighbours at once. Free blocks stand in lists by size; the first that is long enough is taken and what it has too much is cut off.
 *
 *      | header | content ...... | header | content .. | header |      the last header is a used block of no content: the end
 *
 * Everything in free blocks but headers and the two list pointers is zero.
 */

#include "keyd/crypto/arena.h"

#include <openssl/crypto.h>
#include <string.h>

#include "keyd/crypto/arena-internal.h"

#define BLOCK_ALIGN 16U
#define BLOCK_USED 0x75736564U
#define BLOCK_FREE 0x66726565U

#define N_EXACT_LISTS 64U /* by 16 bytes up to 1 KiB, then by powers of two */
#define N_LISTS (N_EXACT_LISTS + 32U)

typedef struct Block {
        uint32_t size;   /* of the content, a multiple of BLOCK_ALIGN */
        uint32_t before; /* size of the content of the block before; 0 for the first */
        uint32_t state;  /* BLOCK_USED, BLOCK_FREE */
        uint32_t wanted; /* what was asked for: the rest is zero */
} Block;

/* In the content of a free block. */
typedef struct Links {
        Block *next, *previous;
} Links;

_Static_assert(sizeof(Block) == BLOCK_ALIGN && sizeof(Links) <= BLOCK_ALIGN, "a block's content is aligned and has room for its links");

static struct {
        uint8_t *base; /* NULL: not open */
        size_t size;
        size_t used;
        Block *lists[N_LISTS];
} arena;

static _Thread_local bool is_owner;

/* blocks */

static uint8_t *content_of(Block *b) {
        return (uint8_t *) (b + 1);
}

static Links *links_of(Block *b) {
        return (Links *) (void *) content_of(b);
}

static Block *block_behind(Block *b) {
        return (Block *) (void *) (content_of(b) + b->size);
}

/* NULL for the first. */
static Block *block_before(Block *b) {
        return (uint8_t *) b == arena.base ? NULL : (Block *) (void *) ((uint8_t *) b - b->before - sizeof(Block));
}

/* A live block from the pointer that was given out for it. */
static Block *block_from(const void *p) {
        uintptr_t base = (uintptr_t) arena.base, at = (uintptr_t) p;
        Block *b;

        ASSERT(is_owner && at >= base + sizeof(Block) && at < base + arena.size && at % BLOCK_ALIGN == 0);

        b = (Block *) (void *) (arena.base + (at - base) - sizeof(Block));
        ASSERT(b->state == BLOCK_USED && b->wanted > 0 && b->wanted <= b->size);
        return b;
}

/* lists */

/* Blocks of a list are at least as long as any of a list before it. */
static size_t list_of(size_t size) {
        size_t i = size / BLOCK_ALIGN;

        return i < N_EXACT_LISTS ? i : N_EXACT_LISTS + (size_t) (31 - __builtin_clz((unsigned) (i / N_EXACT_LISTS)));
}

static void list_add(Block *b) {
        Block **list = &arena.lists[list_of(b->size)];

        b->state = BLOCK_FREE;
        b->wanted = 0;
        *links_of(b) = (Links) {.next = *list};
        if (*list)
                links_of(*list)->previous = b;
        *list = b;
}

/* Afterwards all of its content is zero. */
static void list_remove(Block *b) {
        Links *l = links_of(b);

        ASSERT(b->state == BLOCK_FREE);

        if (l->next)
                links_of(l->next)->previous = l->previous;
        if (l->previous)
                links_of(l->previous)->next = l->next;
        else
                arena.lists[list_of(b->size)] = l->next;
        *l = (Links) {};
}

static Block *list_find(size_t size) {
        for (size_t i = list_of(size); i < N_LISTS; i++)
                for (Block *b = arena.lists[i]; b; b = links_of(b)->next)
                        if (b->size >= size)
                                return b;
        return NULL;
}

/* Cuts @b, which is in no list, down to @size; what is cut off becomes free. */
static void block_cut(Block *b, size_t size) {
        Block *rest;

        if (b->size - size < sizeof(Block) + BLOCK_ALIGN)
                return;

        rest = (Block *) (void *) (content_of(b) + size);
        *rest = (Block) {.size = (uint32_t) (b->size - size - sizeof(Block)), .before = (uint32_t) size};
        block_behind(rest)->before = rest->size;
        b->size = (uint32_t) size;
        list_add(rest);
}

/* Makes @b swallow the block behind it; both are in no list and of zero content. */
static void block_join(Block *b) {
        Block *behind = block_behind(b);

        b->size += (uint32_t) sizeof(Block) + behind->size;
        *behind = (Block) {};
        block_behind(b)->before = b->size;
}

/* the arena */

int arena_open(size_t size_max, ArenaStatus *ret) {
        Block *first, *end;
        void *base;
        int r;

        ASSERT(!arena.base && size_max <= UINT32_MAX);

        r = arena_map(size_max, &base, ret);
        if (r < 0)
                return r;

        arena.base = base;
        arena.size = ret->size;
        is_owner = true;

        first = base;
        *first = (Block) {.size = (uint32_t) (arena.size - 2 * sizeof(Block))};
        end = block_behind(first);
        *end = (Block) {.before = first->size, .state = BLOCK_USED};
        list_add(first);
        return 0;
}

bool arena_is_open(void) {
        return arena.base;
}

size_t arena_used(void) {
        return arena.used;
}

bool arena_is_nearly_full(void) {
        return arena.base && arena.size - arena.used < arena.size / 8;
}

void *arena_allocate(size_t size) {
        size_t rounded;
        Block *b;

        ASSERT(is_owner);

        if (size == 0 || size > arena.size)
                return NULL;

        rounded = (size + BLOCK_ALIGN - 1) & ~(size_t) (BLOCK_ALIGN - 1);
        b = list_find(rounded);
        if (!b)
                return NULL;

        list_remove(b);
        block_cut(b, rounded);
        b->state = BLOCK_USED;
        b->wanted = (uint32_t) size;
        arena.used += sizeof(Block) + b->size;
        return content_of(b);
}

void arena_release(void *p) {
        Block *b, *neighbour;

        if (!p)
                return;

        b = block_from(p);
        arena.used -= sizeof(Block) + b->size;
        explicit_bzero(p, b->size);

        neighbour = block_behind(b);
        if (neighbour->state == BLOCK_FREE) {
                list_remove(neighbour);
                block_join(b);
        }

        neighbour = block_before(b);
        if (neighbour && neighbour->state == BLOCK_FREE) {
                list_remove(neighbour);
                block_join(neighbour);
                b = neighbour;
        }

        list_add(b);
}

void *arena_resize(void *p, size_t size) {
        Block *b;
        void *q;

        if (!p)
                return arena_allocate(size);
        if (size == 0) {
                arena_release(p);
                return NULL;
        }

        b = block_from(p);
        if (size <= b->size) {
                if (size < b->wanted)
                        explicit_bzero((uint8_t *) p + size, b->wanted - size);
                b->wanted = (uint32_t) size;
                return p;
        }

        q = arena_allocate(size);
        if (!q)
                return NULL;

        memcpy(q, p, b->wanted);
        arena_release(p);
        return q;
}

const char *arena_level_to_string(ArenaLevel level) {
        static const char *const names[_ARENA_LEVEL_MAX] = {
                [ARENA_UNLOCKED] = "unlocked memory",
                [ARENA_LOCKED] = "locked memory",
                [ARENA_SECRET] = "memfd_secret",
        };

        return names[level];
}

/* OpenSSL's allocator */

static void *openssl_malloc(size_t size, const char *file _unused_, int line _unused_) {
        return arena_allocate(size);
}

static void *openssl_realloc(void *p, size_t size, const char *file _unused_, int line _unused_) {
        return arena_resize(p, size);
}

static void openssl_free(void *p, const char *file _unused_, int line _unused_) {
        arena_release(p);
}

int arena_use_for_openssl(void) {
        ASSERT(is_owner);

        return CRYPTO_set_mem_functions(openssl_malloc, openssl_realloc, openssl_free) == 1 ? 0 : -EBUSY;
}
