#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The directory: connections and profiles as keyd stated them last
 *
 * A snapshot is built up aside and replaces the former one whole. Connections, profiles and CA sets are reference-counted: a call in flight keeps
 * what it started with. Two snapshots that say the same about a connection (connection, profile, chain and CA set, byte for byte) share
 * the object, and with it the pool of open connections; anything else is a new object with an empty pool.
 */

#include <stdatomic.h>

#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-profile.h"
#include "common/msg-snapshot.h"

typedef struct Pool Pool; /* calld/call/pool.h: curl multi handle and TLS material of one connection */

typedef struct CaCertificates {
        unsigned n_ref;
        uint8_t id[PROTO_SET_ID_SIZE];
        Buf ders;                    /* as in MsgCertificates.certificates */
        struct x509_store_st *store; /* made at the first call, shared by all pools of the set; owned */
} CaCertificates;

typedef struct Profile {
        unsigned n_ref;
        Buf record; /* owns what m points to */
        MsgProfile m;
        CaCertificates *ca; /* NULL when not ready */
} Profile;

typedef struct Connection {
        unsigned n_ref;
        Buf record;
        MsgConnection m;
        Profile *profile;        /* NULL when keyd named none */
        Pool *pool;              /* made at the first call; owned */
        atomic_uint *n_draining; /* counts it; NULL: the directory has it */
} Connection;

typedef struct Directory {
        uint64_t revision;  /* keyd's; 0: nothing was stated yet */
        uint64_t n_changes; /* snapshots taken so far; unlike the revision it goes on when keyd begins anew */
        Buf record;
        MsgSnapshot limits;
        Connection **connections; /* sorted by alias */
        size_t n_connections;
        Profile **profiles;
        size_t n_profiles;
        atomic_uint *n_draining; /* borrowed: how many connections it no longer has, and calls still use; may be NULL */
} Directory;

/* Borrowed, or NULL. @alias comes from a caller. */
Connection *directory_find(const Directory *d, Span alias);

/*
 * The connection whose profile is @scheme, with that host (ASCII case ignored) and port, whose base path is the longest that @path begins
 * with at a segment border. @port 0: the profile's default. On success *ret_path is the rest of @path behind the base path.
 */
Connection *directory_find_url(const Directory *d, Span scheme, Span host, uint16_t port, Span path, Span *ret_path);

Connection *connection_ref(Connection *c);
Connection *connection_unref(Connection *c);
DEFINE_CLEANUP(Connection *, connection_unref)

void directory_done(Directory *d);

/* The order of the connections. */
int directory_compare_names(Span a, Span b);
