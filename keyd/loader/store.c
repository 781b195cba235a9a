/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/store.h"

#include <string.h>

#include "common/ini.h"
#include "keyd/loader/account.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore.h"

#define CREDENTIAL "credential:"
#define CREDENTIAL_NAME_MAX 255U

#define HINT_CREDENTIAL "set LoadCredential= or LoadCredentialEncrypted= for it in the unit midtls-keyd.service"
#define HINT_ENCRYPTED \
        "only that MID can read it: put the password into the profile: Password= with what midtls encrypt prints, credential:NAME or file:PATH"

void store_secrets_done(StoreSecrets *s) {
        free(s->path);
        secret_free(s->file);
        secret_free(s->store_password);
        secret_free(s->key_password);
        strv_free(s->warnings);
        *s = (StoreSecrets) {};
}

/* systemd.exec(5): a credential's name is a file name. */
static bool credential_name_valid(const char *name) {
        if (!*name || strlen(name) > CREDENTIAL_NAME_MAX || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
                return false;
        for (; *name; name++)
                if (*name == '/' || *name < 0x21 || *name > 0x7e)
                        return false;

        return true;
}

static int credential_path(const char *name, char **ret, LoadFailure *f) {
        const char *folder = secure_getenv("CREDENTIALS_DIRECTORY");

        if (!credential_name_valid(name))
                return load_failure(f, VERDICT_IO, "a credential's name is a file name without a slash", "credential:%s has no valid name", name);
        if (!folder || folder[0] != '/')
                return load_failure(f, VERDICT_IO, HINT_CREDENTIAL, "credential:%s: the service was given no credentials", name);

        return path_join(folder, name, ret);
}

static int credential_read(const char *name, Secret **ret, LoadFailure *f) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = credential_path(name, &path, f);
        if (r != 0)
                return r;

        r = file_read(path, FILE_POLICY_SECRET, ret, NULL, f);
        if (r > 0 && f->verdict == VERDICT_IO)
                snprintf(f->hint, sizeof(f->hint), "%s", HINT_CREDENTIAL);
        return r;
}

/* One line end at the end is the editor's; all other bytes are the password's. */
static void drop_newline(Secret *s) {
        size_t size = secret_size(s);

        if (size > 0 && secret_data(s)[size - 1] == '\n')
                size--;
        if (size < secret_size(s) && size > 0 && secret_data(s)[size - 1] == '\r')
                size--;
        secret_set_size(s, size);
}

static int password_from_credential(const ProfileConfig *p _unused_, const char *name, Secret **ret, LoadFailure *f) {
        int r = credential_read(name, ret, f);

        if (r == 0)
                drop_newline(*ret);
        return r;
}

static int password_from_file(const ProfileConfig *p, const char *path, Secret **ret, LoadFailure *f) {
        const char *slash = p->file ? strrchr(p->file, '/') : NULL;
        _cleanup_free_ char *folder = NULL, *joined = NULL;
        int r;

        folder = slash ? strndup(p->file, (size_t) (slash - p->file) + 1) : strdup("");
        if (!folder)
                return -ENOMEM;
        r = path_join(folder, path, &joined);
        if (r == 0)
                r = file_read(joined, FILE_POLICY_SECRET, ret, NULL, f);
        if (r == 0)
                drop_newline(*ret);

        return r;
}

/* Which profile's value it is: what is wrong with it says nothing of that. */
static void prefix_detail(const ProfileConfig *p, LoadFailure *f) {
        char detail[sizeof(f->detail)];

        memcpy(detail, f->detail, sizeof(detail));
        snprintf(f->detail, sizeof(f->detail), "password of profile %s: %.400s", p->name, detail);
}

static int password_from_midtls(const ProfileConfig *p, const char *base64, Secret **ret, LoadFailure *f) {
        int r = password_decrypt(base64, p->host_key_folder, ret, f);

        if (r == 0)
                drop_newline(*ret);
        else if (r > 0)
                prefix_detail(p, f);
        return r;
}

static int password_refuse_encrypted(const ProfileConfig *p, const char *text _unused_, Secret **ret _unused_, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED, HINT_ENCRYPTED, "the password of profile %s was encrypted by a MID Server", p->name);
}

/* Where a password comes from, by how its value begins; without one of these it is the password itself. */
static const struct {
        const char *prefix;
        int (*read)(const ProfileConfig *p, const char *rest, Secret **ret, LoadFailure *f);
} sources[] = {
        {CREDENTIAL, password_from_credential},
        {"file:", password_from_file},
        {"midtls:", password_from_midtls},
        {"encrypted:", password_refuse_encrypted},
};

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
        int r;

        if (!value)
                return 0;
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                if (strncmp(value, sources[i].prefix, strlen(sources[i].prefix)) == 0)
                        return sources[i].read(p, value + strlen(sources[i].prefix), ret, f);
        if (account_find(value, &store, &id)) {
                s->is_fetched = true;
                return vault_fetch(vault, store, id, ret, &s->is_changing, f);
        }

        r = *value ? warn_plain(p, s) : 0;
        return r < 0 ? r : secret_new_from(value, strlen(value), ret);
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
        if (strncmp(p->keystore_path, CREDENTIAL, strlen(CREDENTIAL)) == 0)
                r = credential_read(p->keystore_path + strlen(CREDENTIAL), &s->file, f);
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

int store_read_secret(const ProfileConfig *p, const char *value, Secret **ret, LoadFailure *ret_failure) {
        _cleanup_(store_secrets_done) StoreSecrets s = {};

        return password_resolve(p, NULL, value, &s, ret, ret_failure);
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
