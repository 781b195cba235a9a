#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the supervisor wants of a load: LOAD, GENERATION*, QUARANTINE*, the last snapshot's records, LOAD_END
 *
 * The last snapshot tells which generation of a key is in force, and is what a profile keeps when it cannot be loaded now.
 */

#include "common/generations.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-quarantine.h"
#include "common/record-list.h"

typedef struct LoadRequest {
        MsgLoad load;
        Generations generations;
        RecordList *left_out; /* QUARANTINE */
        RecordList *previous; /* SNAPSHOT to SNAPSHOT_END; empty at the first load */
} LoadRequest;

enum {
        _REQUEST_E_SUCCESS,
        REQUEST_E_VIOLATION, /* the supervisor went away, or said what it must not */
};

int request_receive(int fd, uint64_t deadline_usec, LoadRequest *ret) _must_check_;
void request_done(LoadRequest *r);

/* The record of type @type behind *cursor (0 at the start), which is moved on; its body is borrowed from @records. */
bool request_next(const RecordList *records, uint8_t type, size_t *cursor, Span *ret_record, Span *ret_body);

/* What is said of a profile whose files are not to be read; borrowed. Return: false when they are */
bool request_find_left_out(const LoadRequest *r, const char *name, MsgQuarantine *ret);

/* The previous PROFILE of that name; borrowed. */
bool request_find_profile(const LoadRequest *r, const char *name, MsgProfile *ret);
