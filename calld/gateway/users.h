#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* How many calls and connections each user has: for MaxCallsPerUser= */

#include <sys/types.h>

#include "common/def.h"

/* Callers without an identity count as one user. */
#define USER_UNKNOWN ((uid_t) -1)

typedef struct UserCount {
        uid_t uid;
        unsigned n_calls, n_connections;
} UserCount;

typedef struct Users {
        UserCount *items; /* users with at least one connection or call */
        size_t n_items;
} Users;

void users_done(Users *u);

/* The count of @uid, to be changed by the caller; a new one when there is none. Valid until the next call. NULL without memory. */
UserCount *users_get(Users *u, uid_t uid);

/* Forgets who has nothing any more. */
void users_tidy(Users *u, uid_t uid);
