#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Opening files that hold secrets or decide about them: regular, bounded, not open to others */

#include <sys/types.h>

#include "keyd/crypto/secret.h"
#include "keyd/loader/load.h"

#define FILE_SIZE_MAX (4U * 1024 * 1024)

typedef enum FilePolicy {
        FILE_POLICY_CONFIG, /* not writable by group or others */
        FILE_POLICY_SECRET, /* nor readable by others */
        FILE_POLICY_ANY,    /* for --inspect: whatever the user can read */
} FilePolicy;

/*
 * Reads the whole file. Never blocks on a FIFO or device. A writer at work shows as a size that changes: then it is refused.
 * *ret_mode: its permission bits; may be NULL.
 *
 * Return: 0; 1 with *ret_failure filled (VERDICT_IO, _LIMIT, _POLICY); -errno
 */
int file_read(const char *path, FilePolicy policy, Secret **ret, mode_t *ret_mode, LoadFailure *ret_failure) _must_check_;

/* Fills *ret; returns 1, so that `return load_failure(...)` reads well. */
int load_failure(LoadFailure *ret, Verdict verdict, const char *hint, const char *detail_format, ...) _printf_(4, 5);

/* Joins with one slash; an absolute @path stays. Return: 0 or -ENOMEM */
int path_join(const char *directory, const char *path, char **ret) _must_check_;
