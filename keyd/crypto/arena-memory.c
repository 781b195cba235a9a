/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Locked memory counts against RLIMIT_MEMLOCK (8 MiB by default), so a size that is refused is halved before the next worse kind is tried.
 * One madvise() a flag: the kernel refuses a combination as a whole without a word about which.
 */

#include "keyd/crypto/arena-internal.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define ARENA_SIZE_MIN ((size_t) 1024 * 1024)

/* What a process may lock, less an eighth for others in it; rounded down to 64 KiB. */
static size_t lockable_size(size_t size_max) {
        struct rlimit limit;
        size_t size = size_max;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
                size = MIN_OF(size, (size_t) (limit.rlim_cur - limit.rlim_cur / 8));

        return MAX_OF(size & ~(size_t) 0xffff, ARENA_SIZE_MIN);
}

/* memfd_secret(2): ENOSYS before Linux 5.14, and where secretmem.enable=0 (the default before 6.5). */
static int map_secret(size_t size, void **ret) {
        _cleanup_fd_ int fd = -1;
        void *p;

        fd = (int) syscall(SYS_memfd_secret, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (ftruncate(fd, (off_t) size) < 0)
                return -errno;

        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (p == MAP_FAILED)
                return -errno;

        *ret = p;
        return 0;
}

static int map_private(size_t size, void **ret) {
        void *p;

        p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                return -errno;

        *ret = p;
        return 0;
}

static int map_locked(size_t size, void **ret) {
        void *p;
        int r;

        r = map_private(size, &p);
        if (r < 0)
                return r;

        if (mlock(p, size) < 0) {
                r = -errno;
                munmap(p, size);
                return r;
        }

        *ret = p;
        return 0;
}

int arena_map(size_t size_max, void **ret_base, ArenaStatus *ret) {
        static const struct {
                ArenaLevel level;
                int (*map)(size_t size, void **ret);
        } kinds[] = {{ARENA_SECRET, map_secret}, {ARENA_LOCKED, map_locked}, {ARENA_UNLOCKED, map_private}};
        void *p;
        int r = -ENOMEM;

        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                for (size_t size = lockable_size(size_max); size >= ARENA_SIZE_MIN; size /= 2) {
                        r = kinds[i].map(size, &p);
                        if (r < 0)
                                continue;

                        /* A secret mapping is shared, which cannot be wiped in a child: it is not given to one. */
                        *ret = (ArenaStatus) {
                                .level = kinds[i].level,
                                .size = size,
                                .not_dumped = madvise(p, size, MADV_DONTDUMP) == 0,
                                .not_forked = madvise(p, size, kinds[i].level == ARENA_SECRET ? MADV_DONTFORK : MADV_WIPEONFORK) == 0,
                        };
                        *ret_base = p;
                        return 0;
                }

        return r;
}
