/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/secrets/password-source.h"

#include <string.h>

#include "keyd/loader/config/account.h"
#include "keyd/loader/file.h"

#define CREDENTIAL_NAME_MAX 255U

#define HINT_CREDENTIAL "set LoadCredential= or LoadCredentialEncrypted= for it in the unit midtls-keyd.service"
#define HINT_ENCRYPTED \
        "only that MID can read it: put the password into the profile: Password= with what midtls encrypt prints, credential:NAME or file:PATH"

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

int credential_read(const char *name, Secret **ret, LoadFailure *f) {
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

static int password_from_credential(const PasswordPlace *p _unused_, const char *name, Secret **ret, LoadFailure *f) {
        int r = credential_read(name, ret, f);

        if (r == 0)
                drop_newline(*ret);
        return r;
}

static int password_from_file(const PasswordPlace *p, const char *path, Secret **ret, LoadFailure *f) {
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

/* Whose value it is: what is wrong with it says nothing of that. */
static void prefix_detail(const PasswordPlace *p, LoadFailure *f) {
        char detail[sizeof(f->detail)];

        memcpy(detail, f->detail, sizeof(detail));
        snprintf(f->detail, sizeof(f->detail), "password of %s: %.400s", p->whose, detail);
}

static int password_from_midtls(const PasswordPlace *p, const char *base64, Secret **ret, LoadFailure *f) {
        int r = password_decrypt(base64, p->host_key_folder, ret, f);

        if (r == 0)
                drop_newline(*ret);
        else if (r > 0)
                prefix_detail(p, f);
        return r;
}

static int password_refuse_encrypted(const PasswordPlace *p, const char *text _unused_, Secret **ret _unused_, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED, HINT_ENCRYPTED, "the password of %s was encrypted by a MID Server", p->whose);
}

/* Where a password comes from, by how its value begins; without one of these it is the password itself. */
static const struct {
        const char *prefix;
        int (*read)(const PasswordPlace *p, const char *rest, Secret **ret, LoadFailure *f);
} sources[] = {
        {CREDENTIAL_PREFIX, password_from_credential},
        {"file:", password_from_file},
        {"midtls:", password_from_midtls},
        {"encrypted:", password_refuse_encrypted},
};

int password_read(const PasswordPlace *p, const char *value, Secret **ret, bool *ret_is_plain, LoadFailure *f) {
        *ret_is_plain = false;
        for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
                if (strncmp(value, sources[i].prefix, strlen(sources[i].prefix)) == 0)
                        return sources[i].read(p, value + strlen(sources[i].prefix), ret, f);

        if (account_find(value, NULL, NULL))
                return load_failure(f, VERDICT_UNSUPPORTED, "write credential:NAME, file:PATH or midtls:BASE64",
                                    "the password of %s lies in a secret store, which is not asked for it", p->whose);

        *ret_is_plain = *value;
        return secret_new_from(value, strlen(value), ret);
}
