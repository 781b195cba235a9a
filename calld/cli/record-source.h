#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where records come from: journalctl, or a file
 *
 * A file holds what `journalctl -o json` or `-o export` writes, or what a daemon writes with --log=json; which of them is told by its first byte.
 */

#include <sys/types.h>

#include "calld/cli/output.h"

typedef struct RecordSource {
        FILE *file;
        pid_t pid; /* of journalctl; 0: a file */
        bool is_export;
        bool started; /* is_export has been found out */
        char *line;
        size_t allocated;
} RecordSource;

enum {
        _RECORD_E_SUCCESS,
        RECORD_E_END,
        RECORD_E_INVALID, /* a record that is none; the next may be one again */
};

/* @argv of journalctl, ends with NULL. Return: 0, or the exit status (the user has been told) */
int record_source_start(RecordSource *s, const char *const argv[]) _must_check_;

/* @path may be "-". Return: 0, or the exit status (the user has been told) */
int record_source_open(RecordSource *s, const char *path) _must_check_;

/* Return: 0 with *ret to be freed, RECORD_E_* */
int record_source_next(RecordSource *s, json_t **ret) _must_check_;

/* After RECORD_E_END: waits for journalctl. Return: the exit status */
int record_source_finish(RecordSource *s) _must_check_;

void record_source_done(RecordSource *s);
