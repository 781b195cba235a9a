#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* KEEP: from the loader to the supervisor, which keeps profiles that a ServiceNow instance gave as files */

#include "common/proto.h"
#include "common/role.h"
#include "common/wire.h"

#define KEEP_TEXT_MAX 16384U
#define KEEP_PROFILES_MAX 1024U

typedef struct MsgKeep {
        Span profile; /* empty: those before were all, and what was not named is to be removed; the text says nothing */
        Span text;    /* of the lines of [Profile]; empty: what is kept stays as it is */
} MsgKeep;

int msg_keep_decode(Span body, MsgKeep *ret) _must_check_;
int msg_keep_encode(Buf *record, const MsgKeep *m) _must_check_;
