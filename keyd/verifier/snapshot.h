#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The records of a snapshot that calld may see, byte for byte as the supervisor sent them; shared by all who are being told */

#include "common/buf.h"

#define SNAPSHOT_RECORDS_MAX 16384U
#define SNAPSHOT_BYTES_MAX ((size_t) 64 * 1024 * 1024)

typedef struct SnapshotRecord SnapshotRecord;

struct SnapshotRecord {
        SnapshotRecord *next;
        Buf bytes;
};

typedef struct Snapshot {
        unsigned n_refs;
        SnapshotRecord *first;
        SnapshotRecord *last;
        size_t n_records;
        size_t n_bytes;
} Snapshot;

/* With one reference. Return: 0 or -ENOMEM */
int snapshot_new(Snapshot **ret) _must_check_;
Snapshot *snapshot_ref(Snapshot *s);
Snapshot *snapshot_unref(Snapshot *s);
DEFINE_CLEANUP(Snapshot *, snapshot_unref)

/* Return: 0, -E2BIG over the limits, -ENOMEM */
int snapshot_add(Snapshot *s, Span record) _must_check_;
