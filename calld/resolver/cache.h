#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Answers that are kept for a while
 *
 * getaddrinfo(3) does not tell how long an answer holds (RFC 2181, 8), so the time is short. All are dropped as soon as one of the files
 * changes that lookups read.
 */

#include <sys/stat.h>

#include "common/msg-resolve.h"

#define CACHE_ENTRIES_MAX 512U
#define CACHE_USEC (30 * USEC_PER_SEC)
#define CACHE_UNKNOWN_USEC (2 * USEC_PER_SEC)
#define CACHE_FILES_MAX 8U

typedef struct CacheEntry {
        uint64_t expires_usec; /* 0: free */
        ResolveKind kind;
        char name[RESOLVE_NAME_MAX + 1];
        MsgAnswer answer; /* its text is "" or static */
} CacheEntry;

typedef struct CacheStamp {
        bool there;
        dev_t device;
        ino_t inode;
        off_t size;
        struct timespec changed;
} CacheStamp;

typedef struct Cache {
        const char *const *files; /* static, ends with NULL */
        CacheStamp stamps[CACHE_FILES_MAX];
        uint64_t generation; /* counts how often all was dropped */
        CacheEntry entries[CACHE_ENTRIES_MAX];
} Cache;

/* Those of nsswitch.conf(5) and what it names: the C library's own sources. */
extern const char *const cache_system_files[];

void cache_init(Cache *c, const char *const *files);

/* Return: the answer, valid until the next call and without an id, or NULL */
const MsgAnswer *cache_find(Cache *c, ResolveKind kind, Span name, uint64_t now);

/*
 * Keeps an answer that is worth it: that there is such a name, or that there is none. The one that would expire first makes room.
 *
 * @generation: the cache's when the lookup began; what was looked up before the last change is not kept
 */
void cache_keep(Cache *c, uint64_t generation, ResolveKind kind, Span name, const MsgAnswer *answer, uint64_t now);
