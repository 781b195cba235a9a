#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Sink: where an answer's body goes
 *
 * A file or a pipe gets the bytes as they are. A terminal gets text: control characters, which could steer it, are shown as \xNN.
 */

#include "common/def.h"

typedef struct Sink {
        const char *path; /* NULL: standard output */
        FILE *file;       /* opened with the first byte; owned when path is set */
        bool terminal;
        bool lead;      /* a byte 0xc2 is held back: what follows tells whether it begins a control character */
        bool line_open; /* what was written last is not the end of a line */
} Sink;

/* @path NULL or "-": standard output */
void sink_init(Sink *s, const char *path);

/* Return: 0 or -errno */
int sink_write(Sink *s, const void *data, size_t size) _must_check_;

/* Ends what was written; a file that nothing was written to is made all the same. Return: 0 or -errno */
int sink_finish(Sink *s) _must_check_;

/* Closes a file whatever its state. */
void sink_done(Sink *s);
