/* SPDX-License-Identifier: Apache-2.0 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/lib/scan.h"

#define CHUNK (1U << 20)
#define STOP_TIMEOUT_MS 2000

static char process_state(pid_t pid) {
        char path[64], line[512], state = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%ld/stat", (long) pid);
        file = fopen(path, "re");
        if (!file)
                return 0;

        /* "pid (name) state ...": the name may hold anything, a ')' too. */
        if (fgets(line, sizeof(line), file)) {
                const char *end = strrchr(line, ')');
                if (end && end[1] == ' ')
                        state = end[2];
        }

        fclose(file);
        return state;
}

static int stop_process(pid_t pid) {
        const struct timespec tick = {.tv_nsec = 1000 * 1000};

        if (kill(pid, SIGSTOP) < 0)
                return -errno;

        for (unsigned i = 0; i < STOP_TIMEOUT_MS; i++) {
                if (process_state(pid) == 'T')
                        return 0;
                (void) nanosleep(&tick, NULL);
        }

        (void) kill(pid, SIGCONT);
        return -ETIMEDOUT;
}

static void search(const uint8_t *data, size_t size, const Patterns *patterns, ScanResult *ret) {
        for (size_t i = 0; i < patterns->n_items; i++) {
                const Pattern *p = &patterns->items[i];
                const uint8_t *at = data;

                while ((at = memmem(at, size - (size_t) (at - data), p->bytes, p->size))) {
                        ret->n_hits++;
                        ret->n_hits_of[i]++;
                        at++;
                }
        }
}

/*
 * Chunks overlap by less than the longest pattern, so that none is missed at a border; a short one within the overlap counts
 * twice, which is harmless.
 */
static void scan_region(int fd, uint64_t start, uint64_t end, uint8_t *buffer, const Patterns *patterns, ScanResult *ret) {
        size_t kept = 0;

        while (start < end) {
                size_t want = end - start < CHUNK ? (size_t) (end - start) : CHUNK;
                ssize_t n = pread(fd, buffer + kept, want, (off_t) start);

                if (n <= 0) {
                        ret->n_unreadable++;
                        return;
                }

                search(buffer, kept + (size_t) n, patterns, ret);
                ret->n_bytes += (uint64_t) n;
                start += (uint64_t) n;

                size_t have = kept + (size_t) n;
                kept = have < PATTERN_SIZE_MAX - 1 ? have : PATTERN_SIZE_MAX - 1;
                memmove(buffer, buffer + have - kept, kept);
        }
}

static int scan_regions(FILE *maps, int fd, const Patterns *patterns, ScanResult *ret) {
        uint8_t *buffer = malloc(CHUNK + PATTERN_SIZE_MAX);
        char line[1024];

        if (!buffer)
                return -ENOMEM;

        while (fgets(line, sizeof(line), maps)) {
                uint64_t start, end;
                char mode[5];

                if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &start, &end, mode) != 3 || mode[0] != 'r')
                        continue;
                /* The kernel's own pages, alike in every process and without data of it */
                if (strstr(line, "[vvar") || strstr(line, "[vsyscall]"))
                        continue;
                /* An address sanitizer's shadow: terabytes of nothing. */
                if (end - start > UINT64_C(8) << 30)
                        continue;
                scan_region(fd, start, end, buffer, patterns, ret);
        }

        free(buffer);
        return 0;
}

static int scan_stopped(pid_t pid, const Patterns *patterns, ScanResult *ret) {
        char path[64];
        FILE *maps;
        int fd, r;

        snprintf(path, sizeof(path), "/proc/%ld/mem", (long) pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return -errno;

        snprintf(path, sizeof(path), "/proc/%ld/maps", (long) pid);
        maps = fopen(path, "re");
        r = maps ? scan_regions(maps, fd, patterns, ret) : -errno;

        if (maps)
                fclose(maps);
        close(fd);
        return r;
}

int scan_process(pid_t pid, const Patterns *patterns, ScanResult *ret) {
        int r;

        r = stop_process(pid);
        if (r < 0)
                return r;

        r = scan_stopped(pid, patterns, ret);
        (void) kill(pid, SIGCONT);
        return r;
}
