#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What of a private key is looked for, and where it was found */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PATTERNS_MAX 512U
#define PATTERN_SIZE_MAX 64U

typedef struct Pattern {
        char what[32]; /* "p, middle, little-endian" */
        uint8_t bytes[PATTERN_SIZE_MAX];
        size_t size;
} Pattern;

typedef struct Patterns {
        Pattern items[PATTERNS_MAX];
        size_t n_items;
} Patterns;

typedef struct ScanResult {
        size_t n_hits;
        size_t n_hits_of[PATTERNS_MAX];
        uint64_t n_bytes;    /* read */
        size_t n_unreadable; /* regions that not even root can read: memfd_secret(2) */
} ScanResult;

/* Reads a PEM private key: RSA, EC, Ed25519, Ed448. Return: 0 or -errno */
int patterns_load(Patterns *ret, const char *pem_file);

/* Stops @pid, looks through everything readable, continues it. Return: 0 or -errno */
int scan_process(pid_t pid, const Patterns *patterns, ScanResult *ret);
