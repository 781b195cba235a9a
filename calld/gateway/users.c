/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/users.h"

#include <string.h>

void users_done(Users *u) {
        free(u->items);
        *u = (Users) {};
}

static UserCount *find(Users *u, uid_t uid) {
        for (size_t i = 0; i < u->n_items; i++)
                if (u->items[i].uid == uid)
                        return &u->items[i];
        return NULL;
}

UserCount *users_get(Users *u, uid_t uid) {
        UserCount *count = find(u, uid), *items;

        if (count)
                return count;

        items = calloc(u->n_items + 1, sizeof(*items));
        if (!items)
                return NULL;
        if (u->n_items > 0)
                memcpy(items, u->items, u->n_items * sizeof(*items));
        free(u->items);
        u->items = items;

        count = &u->items[u->n_items++];
        count->uid = uid;
        return count;
}

void users_tidy(Users *u, uid_t uid) {
        UserCount *count = find(u, uid);

        if (count && count->n_calls == 0 && count->n_connections == 0)
                *count = u->items[--u->n_items];
}
