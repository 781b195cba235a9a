/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/choose.h"

#include <string.h>
#include <strings.h>

#include "common/buf.h"
#include "keyd/loader/file.h"

/* Beyond this a message says how many more there are. */
#define ALIASES_SHOWN 8U
#define ALIASES_LISTED 64U

int choose_list_aliases(const Keystore *k, char ***ret) {
        _cleanup_free_ char **list = calloc(ALIASES_LISTED + 1, sizeof(*list));
        size_t n = 0;

        if (!list)
                return -ENOMEM;
        for (size_t i = 0; i < k->n_entries && n < ALIASES_LISTED; i++) {
                if (!k->entries[i].alias)
                        continue;
                list[n] = strdup(k->entries[i].alias);
                if (!list[n++]) {
                        while (n > 0)
                                free(list[--n]);
                        return -ENOMEM;
                }
        }

        *ret = TAKE_PTR(list);
        return 0;
}

/* "a", "b" and 3 more: what fits a message. */
static int describe_aliases(const Keystore *k, Buf *b) {
        size_t n = 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < k->n_entries && n < ALIASES_SHOWN; i++)
                if (k->entries[i].alias)
                        r = buf_printf(b, "%s\"%.40s\"", n++ > 0 ? ", " : "", k->entries[i].alias);
        if (r >= 0 && n < k->n_entries)
                r = buf_printf(b, "%s%zu %s", n > 0 ? " and " : "", k->n_entries - n, n > 0 ? "more" : "without a name");
        if (r >= 0)
                r = buf_append(b, "", 1);

        return r;
}

static int refuse_alias(const Keystore *k, const char *path, const char *hint, const char *what, LoadFailure *f) {
        _cleanup_(buf_done) Buf names = BUF_INIT(4096);
        int r;

        r = describe_aliases(k, &names);
        if (r < 0)
                return r;

        return load_failure(f, VERDICT_ALIAS, hint, "%s: %s; entries with a key: %s", path, what, (const char *) names.data);
}

static int refuse_empty(const Keystore *k, const char *path, LoadFailure *f) {
        const char *hint = "name the store that holds the private key; keytool -list -keystore FILE shows PrivateKeyEntry beside it";

        if (k->n_secret_entries > 0)
                return load_failure(f, VERDICT_NOKEY, hint, "%s holds %zu secret keys, but no private key", path, k->n_secret_entries);
        if (k->certificates && sk_X509_num(k->certificates) > 0)
                return load_failure(f, VERDICT_NOKEY, hint, "%s holds certificates only, no private key", path);

        return load_failure(f, VERDICT_NOKEY, hint, "%s holds no private key", path);
}

static bool matches(const KeystoreEntry *e, const char *alias, bool fold) {
        if (!e->alias || e->alias_has_nul)
                return false;

        return (fold ? strcasecmp(e->alias, alias) : strcmp(e->alias, alias)) == 0;
}

static size_t find(const Keystore *k, const char *alias, bool fold, const KeystoreEntry **ret) {
        size_t n = 0;

        for (size_t i = 0; i < k->n_entries; i++)
                if (matches(&k->entries[i], alias, fold)) {
                        *ret = &k->entries[i];
                        n++;
                }

        return n;
}

int choose_entry(const char *path, Keystore *k, const char *alias, const KeystoreEntry **ret, LoadFailure *ret_failure) {
        size_t n;

        if (k->n_entries == 0)
                return refuse_empty(k, path, ret_failure);
        if (k->n_entries == 1 && (!alias || !k->entries[0].alias)) {
                *ret = &k->entries[0];
                return alias ? keystore_warn(k, "KeyAlias=%s is ignored: a PEM file has no names", alias) : 0;
        }
        if (strcmp(k->format, "pem") == 0)
                return load_failure(ret_failure, VERDICT_ALIAS, "keep one private key in the file", "%s holds %zu private keys, and PEM has no names",
                                    path, k->n_entries);
        if (!alias)
                return refuse_alias(k, path, "set KeyAlias= to one of them", "the store holds several keys", ret_failure);

        n = find(k, alias, false, ret);
        if (n == 0)
                n = find(k, alias, true, ret);
        if (n == 1)
                return 0;
        if (n > 1)
                return refuse_alias(k, path, "give each entry a name of its own: keytool -changealias",
                                    "several entries have the name of KeyAlias=", ret_failure);

        return refuse_alias(k, path, "set KeyAlias= to one of them", "no entry has the name of KeyAlias=", ret_failure);
}
