/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/keystore.h"

#include <stdarg.h>
#include <string.h>

#include "common/ini.h"
#include "keyd/loader/file.h"

#define WARNINGS_MAX 64U

static void entry_done(KeystoreEntry *e) {
        free(e->alias);
        secret_free(e->key);
        if (e->chain)
                x509_stack_free(e->chain);
}

void keystore_done(Keystore *k) {
        for (size_t i = 0; i < k->n_entries; i++)
                entry_done(&k->entries[i]);
        free(k->entries);
        if (k->certificates)
                x509_stack_free(k->certificates);
        strv_free(k->warnings);
        *k = (Keystore) {};
}

/* Entries are moved when their number reaches a power of two: there is no room beyond it. */
int keystore_add_entry(Keystore *k, KeystoreEntry **ret) {
        KeystoreEntry *entries;
        size_t n = k->n_entries;

        if (n >= KEYSTORE_ENTRIES_MAX)
                return -E2BIG;
        if ((n & (n - 1)) == 0) {
                entries = calloc(n == 0 ? 1 : 2 * n, sizeof(*entries));
                if (!entries)
                        return -ENOMEM;
                if (n > 0)
                        memcpy(entries, k->entries, n * sizeof(*entries));
                free(k->entries);
                k->entries = entries;
        }

        *ret = &k->entries[k->n_entries++];
        return 0;
}

int strv_add(char ***v, char *s) {
        size_t n = *v ? strv_length(*v) : 0;
        char **grown;

        if (!s)
                return -ENOMEM;
        grown = calloc(n + 2, sizeof(*grown));
        if (!grown) {
                free(s);
                return -ENOMEM;
        }
        if (n > 0)
                memcpy(grown, *v, n * sizeof(*grown));
        grown[n] = s;

        free(*v);
        *v = grown;
        return 0;
}

int strv_add_format(char ***v, const char *format, va_list ap) {
        char *s = NULL;

        return vasprintf(&s, format, ap) < 0 ? -ENOMEM : strv_add(v, s);
}

int keystore_warn(Keystore *k, const char *format, ...) {
        va_list ap;
        int r;

        /* A store of ten thousand unencrypted keys is warned about often enough. */
        if (k->warnings && strv_length(k->warnings) >= WARNINGS_MAX)
                return 0;

        va_start(ap, format);
        r = strv_add_format(&k->warnings, format, ap);
        va_end(ap);
        return r;
}

int keystore_failure_at(const char *path, LoadFailure *f) {
        char detail[sizeof(f->detail)];

        memcpy(detail, f->detail, sizeof(detail));
        snprintf(f->detail, sizeof(f->detail), "%.200s: %.300s", path, detail);
        return 1;
}

static const KeystoreOpen openers[] = {
        [KEYSTORE_TYPE_PKCS12] = pkcs12_open, [KEYSTORE_TYPE_JKS] = jks_open, [KEYSTORE_TYPE_JCEKS] = jceks_open,
        [KEYSTORE_TYPE_BCFKS] = bcfks_open,   [KEYSTORE_TYPE_PEM] = pem_open,
};

static const char *const type_names[] = {
        [KEYSTORE_TYPE_AUTO] = "auto",   [KEYSTORE_TYPE_PKCS12] = "pkcs12", [KEYSTORE_TYPE_JKS] = "jks",
        [KEYSTORE_TYPE_JCEKS] = "jceks", [KEYSTORE_TYPE_BCFKS] = "bcfks",   [KEYSTORE_TYPE_PEM] = "pem",
};

int keystore_open(const char *path, const Secret *file, KeystoreType expected, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        KeystoreType type = keystore_recognise(path, file, ret_failure);
        int r;

        if (type == KEYSTORE_TYPE_AUTO)
                return 1;

        r = openers[type](path, file, password, ret, ret_failure);
        if (r != 0 || expected == KEYSTORE_TYPE_AUTO || expected == type)
                return r;

        r = keystore_warn(ret, "KeystoreType=%s, but the file is a store of type %s: its content decides", type_names[expected], type_names[type]);
        if (r < 0)
                keystore_done(ret);
        return r;
}
