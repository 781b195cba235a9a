/* SPDX-License-Identifier: Apache-2.0 */

/*
 * scan --key=PEMFILE PID...: looks for a private key's bytes in the memory of processes
 *
 * Prints a line for each process, and what was found in it. Exit status: 0 found somewhere, 1 found nowhere, 2 could not look.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/scan.h"

static void report(pid_t pid, const Patterns *patterns, const ScanResult *result) {
        printf("%ld: %zu hits in %" PRIu64 " KiB, %zu regions unreadable\n", (long) pid, result->n_hits, result->n_bytes / 1024,
               result->n_unreadable);
        for (size_t i = 0; i < patterns->n_items; i++)
                if (result->n_hits_of[i] > 0)
                        printf("%ld:   %s: %zu\n", (long) pid, patterns->items[i].what, result->n_hits_of[i]);
}

int main(int argc, char **argv) {
        static Patterns patterns;
        static const char option[] = "--key=";
        bool found = false;
        int r;

        if (argc < 3 || strncmp(argv[1], option, sizeof(option) - 1) != 0) {
                fprintf(stderr, "usage: scan --key=PEMFILE PID...\n");
                return 2;
        }

        r = patterns_load(&patterns, argv[1] + sizeof(option) - 1);
        if (r < 0) {
                fprintf(stderr, "scan: no private key in %s: %s\n", argv[1] + sizeof(option) - 1, strerror(-r));
                return 2;
        }

        for (int i = 2; i < argc; i++) {
                ScanResult result = {};
                long pid = strtol(argv[i], NULL, 10);

                /* Our own memory holds every pattern. */
                r = pid > 0 && pid != getpid() ? scan_process((pid_t) pid, &patterns, &result) : -EINVAL;
                if (r < 0) {
                        fprintf(stderr, "scan: %s: %s\n", argv[i], strerror(-r));
                        return 2;
                }
                report((pid_t) pid, &patterns, &result);
                found = found || result.n_hits > 0;
        }

        return found ? 0 : 1;
}
