#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between policy-build.c, which makes it, and policy.c, which asks it */

#include "common/msg-profile.h"
#include "keyd/verifier/policy.h"

#define POLICY_OLD_LEAVES_MAX 8U

typedef struct CaSet CaSet;
typedef struct Crls Crls;
typedef struct Leaf Leaf;
typedef struct Profile Profile;
typedef struct Connection Connection;

struct CaSet {
        CaSet *next;
        uint8_t id[PROTO_SET_ID_SIZE];
        Buf ders; /* while it is unfinished */
        bool finished;
        X509_STORE *store;
};

struct Crls {
        Crls *next;
        char profile[PROTO_NAME_MAX + 1];
        Buf ders;
        bool finished;
};

/* A client certificate that handshakes may end with. */
struct Leaf {
        Leaf *next;
        uint64_t generation;
        int64_t not_before, not_after;
        uint64_t forget_usec; /* USEC_INFINITY for the current one */
        X509 *certificate;
};

struct Profile {
        Profile *next;
        Buf record; /* what m points into */
        MsgProfile m;
        X509_STORE *store; /* NULL: nothing can be checked, so everything is refused */
        bool has_crls;
        Leaf *leaves; /* the current one first */
};

struct Connection {
        Connection *next;
        char alias[PROTO_NAME_MAX + 1];
        char profile[PROTO_NAME_MAX + 1];
        char host[PROTO_HOST_MAX + 1];
        uint16_t port;
        uint8_t state; /* ProtoState */
};

struct Policy {
        CaSet *sets;
        Crls *crls;
        Profile *profiles;
        Connection *connections;
};

Profile *policy_find_profile(const Policy *p, Span name);
Connection *policy_find_connection(const Policy *p, Span alias);
