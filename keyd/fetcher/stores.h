#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The secret stores that are asked over HTTPS, in one table */

#include "keyd/fetcher/session.h"

typedef struct Store {
        SessionWords words;

        /* Return: 0 with *ret filled, or -errno */
        int (*ask)(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret);

        /* Takes leave; NULL: nothing is to be done. */
        void (*end)(Session *s);
} Store;

/* NULL: it is not asked by this process. */
const Store *store_find(RoleStore id);
