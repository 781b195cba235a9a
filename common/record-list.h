#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * RecordList: whole records kept as bytes, in order, with a bound on their count and size
 *
 * Counted by reference: a snapshot is kept, replayed to a new verifier and given to a loader at the same time.
 */

#include "common/span.h"

typedef struct RecordList RecordList;

/* An empty list, with one reference. Return: 0 or -ENOMEM */
int record_list_new(size_t n_records_max, size_t n_bytes_max, RecordList **ret) _must_check_;
RecordList *record_list_ref(RecordList *l);
RecordList *record_list_unref(RecordList *l);
DEFINE_CLEANUP(RecordList *, record_list_unref)

/* Adds a copy. Return: 0, -E2BIG when a bound would be passed (nothing is added), -ENOMEM */
int record_list_add(RecordList *l, Span record) _must_check_;

size_t record_list_count(const RecordList *l);

/* Borrowed; @i is below the count (asserted). */
Span record_list_get(const RecordList *l, size_t i);
