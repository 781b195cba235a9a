#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who may use which connection, and for what
 *
 * AllowUsers= and AllowGroups= together name the callers; without both, root, group midtls and the user calld runs as may call.
 * AllowSELinuxContexts= narrows that further. A caller without an identity (calld-tcp) is let in by AllowUsers=* alone, which lets everybody in.
 * Names are looked up when the directory changes, not for each call.
 */

#include "calld/call/directory.h"
#include "calld/resolver/client.h"
#include "common/peer.h"

/* Who knows the numbers of users and groups: as resolver_find_id(). */
typedef struct AccessNames {
        int (*find)(void *userdata, ResolveKind kind, Span name, uint64_t deadline_usec, uint32_t *ret);
        void *userdata;
} AccessNames;

typedef struct AccessRule {
        const Connection *connection; /* borrowed from the directory */
        uid_t *uids;
        size_t n_uids;
        gid_t *gids;
        size_t n_gids;
        bool anyone;
} AccessRule;

typedef struct Access {
        AccessNames names;  /* set before the first update */
        uint64_t n_changes; /* the directory's, when the rules were made */
        uid_t own_uid;
        gid_t group;
        bool has_group;    /* group midtls exists */
        AccessRule *rules; /* in the directory's order */
        size_t n_rules;
        bool is_partial; /* a name could not be looked up: the rules are made again after retry_usec */
        uint64_t retry_usec;
        uint64_t deadline_usec; /* of the lookups of an update */
} Access;

/* Makes the rules anew if the directory has changed. Return: 0 or -ENOMEM (the former rules are gone then and nobody is let in) */
int access_update(Access *a, const Directory *d) _must_check_;
void access_done(Access *a);

/* @c: of the directory of the last update. @peer: NULL for a caller without identity. */
bool access_allows_caller(const Access *a, const Connection *c, const Peer *peer);

/* True for those who may call when nothing else is said; they may ask what calld knows. */
bool access_is_default_caller(const Access *a, const Peer *peer);

/*
 * AllowMethods=, AllowPaths=. @path: as sent, behind the base path; the query does not count. Globs are compared with the decoded path,
 * "*" and "?" stay within a segment, "**" goes across. A path with dot segments matches no glob.
 */
bool access_allows_method(const MsgConnection *m, Span method);
bool access_allows_path(const MsgConnection *m, Span path);

/* For tests. */
bool access_glob_match(Span glob, Span text);
