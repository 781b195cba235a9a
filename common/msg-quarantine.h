#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* PROGRESS and QUARANTINE: how one profile whose files cannot be read in time, or at all, is kept from the others */

#include "common/proto.h"
#include "common/role.h"
#include "common/wire.h"

/* The loader is about to read the files of a profile. */
typedef struct MsgProgress {
        Span profile; /* empty: all have been read */
} MsgProgress;

/* A profile whose files are not to be read in this load. It keeps the key that it has, or is unavailable. */
typedef struct MsgQuarantine {
        Span profile;
        bool put_off;  /* another load reads them soon: until then the profile is told as it was */
        Span sentence; /* why, when it has no key, or is not put off */
        Span hint;
} MsgQuarantine;

int msg_progress_decode(Span body, MsgProgress *ret) _must_check_;
int msg_progress_encode(Buf *record, const MsgProgress *m) _must_check_;
int msg_quarantine_decode(Span body, MsgQuarantine *ret) _must_check_;
int msg_quarantine_encode(Buf *record, const MsgQuarantine *m) _must_check_;
