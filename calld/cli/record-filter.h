#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Which records of the audit trail are wanted, and whose they are */

#include "calld/cli/output.h"

/* Borrows from the options. NULL: any. */
typedef struct RecordFilter {
        const char *name; /* of an alias or a profile */
        const char *profile, *event, *verdict, *code, *call;
        const char *unit; /* the caller's */
        char uid[24];     /* the caller's, decimal; empty: any */
        uint64_t since_usec, until_usec;
} RecordFilter;

/* Return: 0, or the exit status (the user has been told) */
int record_filter_from_options(const Options *o, RecordFilter *ret) _must_check_;

bool record_filter_takes(const RecordFilter *f, const json_t *record);

/* Whether @record is of the alias and profile that are wanted, or of none at all. */
bool record_filter_names(const RecordFilter *f, const json_t *record);

/* What journalctl can find by itself. @field is called for each; stops at the first that is not 0 and returns that. */
typedef int (*RecordFilterField)(void *userdata, const char *field, const char *value);
int record_filter_fields(const RecordFilter *f, RecordFilterField field, void *userdata) _must_check_;

typedef enum RecordOrigin {
        RECORD_FROM_OTHERS,
        RECORD_FROM_KEYD,
        RECORD_FROM_CALLD,
} RecordOrigin;

/*
 * Whose record it is: by _SYSTEMD_UNIT, journald's own field, which no sender can set. A record that never was in a journal is taken at its word.
 */
RecordOrigin record_origin(const json_t *record);

/* Microseconds since 1970; 0 when not said */
uint64_t record_usec(const json_t *record);

/* A number; 0 when there is none */
uint64_t record_number(const json_t *record, const char *field);
