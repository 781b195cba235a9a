/* SPDX-License-Identifier: Apache-2.0 */

/* The smallest keystore_done(), _add_entry() and _warn() that the readers can be tested with where keyd/loader/keystore.c is not built */

#include <stdarg.h>
#include <string.h>

#include "keyd/loader/keystore.h"

void keystore_done(Keystore *k) {
        for (size_t i = 0; i < k->n_entries; i++) {
                free(k->entries[i].alias);
                secret_free(k->entries[i].key);
                x509_stack_free(k->entries[i].chain);
        }
        free(k->entries);
        x509_stack_free(k->certificates);
        for (size_t i = 0; k->warnings && k->warnings[i]; i++)
                free(k->warnings[i]);
        free(k->warnings);
        *k = (Keystore) {};
}

int keystore_add_entry(Keystore *k, KeystoreEntry **ret) {
        KeystoreEntry *entries;

        if (k->n_entries >= KEYSTORE_ENTRIES_MAX)
                return -E2BIG;
        entries = calloc(k->n_entries + 1, sizeof(*entries));
        ASSERT(entries);
        if (k->n_entries > 0)
                memcpy(entries, k->entries, k->n_entries * sizeof(*entries));
        free(k->entries);
        k->entries = entries;

        *ret = &entries[k->n_entries++];
        return 0;
}

int keystore_warn(Keystore *k, const char *format, ...) {
        size_t n = 0;
        char **warnings;
        va_list ap;

        while (k->warnings && k->warnings[n])
                n++;
        warnings = calloc(n + 2, sizeof(*warnings));
        ASSERT(warnings);
        if (n > 0)
                memcpy(warnings, k->warnings, n * sizeof(*warnings));
        free(k->warnings);
        k->warnings = warnings;

        va_start(ap, format);
        ASSERT(vasprintf(&warnings[n], format, ap) >= 0);
        va_end(ap);
        return 0;
}
