/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/store.h"

#include <string.h>

#include "common/ini.h"
#include "keyd/loader/config/account.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/secrets/password-source.h"

void store_secrets_done(StoreSecrets *s) {
        free(s->path);
        secret_free(s->file);
        secret_free(s->store_password);
        secret_free(s->key_password);
        strv_free(s->warnings);
        *s = (StoreSecrets) {};
}

static int warn_plain(const ProfileConfig *p, StoreSecrets *s) {
        char *text = NULL;

        if (asprintf(&text, "the password of profile %s stands in %s in plain text: Password=credential:NAME keeps it encrypted", p->name,
                     p->from_config_xml ? "config.xml" : "its file") < 0)
                return -ENOMEM;

        return strv_add(&s->warnings, text);
}

static int password_resolve(const ProfileConfig *p, Vault *vault, const char *value, StoreSecrets *s, Secret **ret, LoadFailure *f) {
        RoleStore store;
        const char *id;
        char whose[PROTO_NAME_MAX + sizeof("profile ")];
        const PasswordPlace place = {.whose = whose, .file = p->file, .host_key_folder = p->host_key_folder};
        bool is_plain;
        int r;

        if (!value)
                return 0;
        if (account_find(value, &store, &id)) {
                s->is_fetched = true;
                return vault_fetch(vault, store, id, ret, &s->is_changing, f);
        }
        snprintf(whose, sizeof(whose), "profile %s", p->name);
        r = password_read(&place, value, ret, &is_plain, f);
        return r == 0 && is_plain ? warn_plain(p, s) : r;
}

/* A file of its own for the key, as PEM, counts as part of the keystore. */
static int append_key_file(const char *path, Secret **file, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *key = NULL, *both = NULL;
        size_t size = secret_size(*file);
        int r;

        r = file_read(path, FILE_POLICY_SECRET, &key, NULL, f);
        if (r == 0)
                r = secret_new(size + 1 + secret_size(key), &both);
        if (r != 0)
                return r;

        memcpy(secret_writable(both), secret_data(*file), size);
        secret_writable(both)[size] = '\n';
        memcpy(secret_writable(both) + size + 1, secret_data(key), secret_size(key));
        secret_set_size(both, secret_capacity(both));
        secret_free(*file);
        *file = TAKE_PTR(both);
        return 0;
}

static int keystore_read(const ProfileConfig *p, StoreSecrets *s, LoadFailure *f) {
        /* Certificates alone are no secret. */
        FilePolicy policy = p->key_file ? FILE_POLICY_CONFIG : FILE_POLICY_SECRET;
        int r;

        if (!p->keystore_path)
                return load_failure(f, VERDICT_IO, "set KeystorePath=", "profile %s names no keystore", p->name);

        s->path = strdup(p->keystore_path);
        if (!s->path)
                return -ENOMEM;
        if (strncmp(p->keystore_path, CREDENTIAL_PREFIX, strlen(CREDENTIAL_PREFIX)) == 0)
                r = credential_read(p->keystore_path + strlen(CREDENTIAL_PREFIX), &s->file, f);
        else
                r = file_read(p->keystore_path, policy, &s->file, NULL, f);

        return r == 0 && p->key_file ? append_key_file(p->key_file, &s->file, f) : r;
}

static int fetch_from_files(const ProfileConfig *p, Vault *vault, StoreSecrets *s, LoadFailure *f) {
        int r;

        r = keystore_read(p, s, f);
        if (r == 0)
                r = password_resolve(p, vault, p->password, s, &s->store_password, f);
        if (r == 0)
                r = password_resolve(p, vault, p->key_password, s, &s->key_password, f);

        return r;
}

/* The keystore is the vault's value: its password, if it has one, is what KeyPassword= tells. */
static int use_value(const ProfileConfig *p, Vault *vault, Secret **keystore, StoreSecrets *s, LoadFailure *f) {
        RoleStore store;
        const char *id;

        ASSERT(account_find(p->password, &store, &id));
        if (asprintf(&s->path, "the keystore from %s (%.100s)", account_store_name(store), id) < 0) {
                s->path = NULL;
                return -ENOMEM;
        }
        s->file = TAKE_PTR(*keystore);

        return password_resolve(p, vault, p->key_password, s, &s->store_password, f);
}

static int fetch_from_vault(const ProfileConfig *p, Vault *vault, StoreSecrets *s, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *value = NULL, *keystore = NULL;
        RoleStore store;
        const char *id;
        int r;

        ASSERT(account_find(p->password, &store, &id));
        s->is_fetched = true;
        r = vault_fetch(vault, store, id, &value, &s->is_changing, f);
        if (r == 0)
                r = vault_value_as_keystore(value, &keystore);
        if (r != 0)
                return r;
        if (keystore)
                return use_value(p, vault, &keystore, s, f);
        if (!p->keystore_path)
                return load_failure(f, VERDICT_IO, "set KeystorePath=, or store the keystore itself there: PEM, or base64 of a PKCS#12 file",
                                    "profile %s names no keystore, and what %s has is a password", p->name, account_store_name(store));

        s->store_password = TAKE_PTR(value);
        r = keystore_read(p, s, f);
        if (r == 0)
                r = password_resolve(p, vault, p->key_password, s, &s->key_password, f);
        return r;
}

bool store_asks_vault(const ProfileConfig *p) {
        return account_find(p->password, NULL, NULL) || account_find(p->key_password, NULL, NULL);
}

int store_fetch(const ProfileConfig *p, Vault *vault, StoreSecrets *ret, LoadFailure *ret_failure) {
        _cleanup_(store_secrets_done) StoreSecrets s = {};
        int r;

        r = account_find(p->password, NULL, NULL) ? fetch_from_vault(p, vault, &s, ret_failure) : fetch_from_files(p, vault, &s, ret_failure);
        if (r != 0)
                return r;

        *ret = s;
        s = (StoreSecrets) {};
        return 0;
}
