#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Where the settings of a connection or profile stand: as far as the calling user may read the files
 *
 * keyd reads the same files in the same order (see midtls.conf(5)); what it made of them is told by calld. Values that are secrets are not kept.
 */

#include "common/def.h"

typedef struct Setting {
        char *name;  /* "HTTP.Timeout", "Headers.X-Tenant" */
        char *value; /* as written, or "(hidden)" */
        char *where; /* "/etc/midtls/crm.connection:7" */
} Setting;

typedef struct Origins {
        Setting *items;
        size_t n_items, n_allocated;
        bool unreadable; /* a file or folder, so that nothing is known for certain */
        bool found;      /* there is such a file at all */
} Origins;

/* @file: "crm.connection"; @dir: instead of /etc/midtls and its like, or NULL. Return: 0 or -errno */
int origins_read(const char *dir, const char *file, Origins *ret) _must_check_;
void origins_done(Origins *o);

/* NULL: nowhere, so the default holds (unless something was unreadable) */
const Setting *origins_find(const Origins *o, const char *name);
