#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * SNAPSHOT: opens a full statement of the configuration that calld may know
 *
 * What follows up to SNAPSHOT_END replaces everything said before. CERTIFICATES of a set come before the first
 * PROFILE that names it; a PROFILE comes before the first CONNECTION that names it.
 */

#include "common/proto.h"
#include "common/wire.h"

typedef struct MsgSnapshot {
        uint64_t revision; /* counts snapshots of this keyd */
        Span mid_name;     /* [MID] Name= */
        uint32_t max_calls;
        uint32_t max_calls_per_user;
        uint32_t max_header_bytes;
        uint64_t header_timeout_usec;
        uint64_t idle_timeout_usec;
        uint64_t idle_exit_usec; /* [Calls] IdleExit=; 0: never */
        Span tcp_token;          /* what callers over TCP have to show; empty: none may call */
        bool report_only;        /* Enforce=no: who may not call is recorded, and may all the same */
        bool best_effort;        /* [Sandbox] Mode=best-effort */
} MsgSnapshot;

int msg_snapshot_decode(Span body, MsgSnapshot *ret) _must_check_;
int msg_snapshot_encode(Buf *record, const MsgSnapshot *m) _must_check_;
