/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/resolver/cache.h"

const char *const cache_system_files[] = {
        "/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/passwd", "/etc/group", NULL,
};

static CacheStamp stamp(const char *path) {
        struct stat s;

        if (stat(path, &s) < 0)
                return (CacheStamp) {};
        return (CacheStamp) {.there = true, .device = s.st_dev, .inode = s.st_ino, .size = s.st_size, .changed = s.st_ctim};
}

static bool stamp_equal(const CacheStamp *a, const CacheStamp *b) {
        return a->there == b->there && a->device == b->device && a->inode == b->inode && a->size == b->size &&
               a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec;
}

static void drop_all(Cache *c) {
        c->generation++;
        for (size_t i = 0; i < CACHE_ENTRIES_MAX; i++)
                c->entries[i].expires_usec = 0;
}

static void look_at_files(Cache *c) {
        for (size_t i = 0; c->files[i]; i++) {
                CacheStamp now = stamp(c->files[i]);

                if (stamp_equal(&now, &c->stamps[i]))
                        continue;
                c->stamps[i] = now;
                drop_all(c);
        }
}

void cache_init(Cache *c, const char *const *files) {
        c->files = files;
        drop_all(c);
        for (size_t i = 0; files[i]; i++) {
                ASSERT(i < CACHE_FILES_MAX);
                c->stamps[i] = stamp(files[i]);
        }
}

static CacheEntry *find(Cache *c, ResolveKind kind, Span name) {
        for (size_t i = 0; i < CACHE_ENTRIES_MAX; i++)
                if (c->entries[i].expires_usec > 0 && c->entries[i].kind == kind && span_is(name, c->entries[i].name))
                        return &c->entries[i];
        return NULL;
}

const MsgAnswer *cache_find(Cache *c, ResolveKind kind, Span name, uint64_t now) {
        const CacheEntry *e;

        look_at_files(c);
        e = find(c, kind, name);
        return e && now < e->expires_usec ? &e->answer : NULL;
}

static CacheEntry *first_to_expire(Cache *c) {
        CacheEntry *first = &c->entries[0];

        for (size_t i = 1; i < CACHE_ENTRIES_MAX; i++)
                if (c->entries[i].expires_usec < first->expires_usec)
                        first = &c->entries[i];
        return first;
}

void cache_keep(Cache *c, uint64_t generation, ResolveKind kind, Span name, const MsgAnswer *answer, uint64_t now) {
        CacheEntry *e = find(c, kind, name);

        if (generation != c->generation || (answer->result != RESOLVE_OK && answer->result != RESOLVE_UNKNOWN))
                return;

        ASSERT(name.size <= RESOLVE_NAME_MAX);
        if (!e)
                e = first_to_expire(c);
        e->expires_usec = now + (answer->result == RESOLVE_OK ? CACHE_USEC : CACHE_UNKNOWN_USEC);
        e->kind = kind;
        memcpy(e->name, name.data, name.size);
        e->name[name.size] = '\0';
        e->answer = *answer;
        e->answer.text = answer->result == RESOLVE_OK ? SPAN_LITERAL("") : SPAN_LITERAL("Name or service not known");
}
