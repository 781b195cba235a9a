/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/loader/stores.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "keyd/crypto/ossl.h"
#include "keyd/loader/entry.h"
#include "keyd/loader/file.h"

extern char **environ;

int stores_make(void **state _unused_) {
        char *const argv[] = {(char *) "/usr/bin/python3", (char *) STORES_SCRIPT, (char *) STORES_FOLDER, NULL};
        int status;
        pid_t pid;

        if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ) != 0)
                return -1;
        if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
                return -1;

        return 0;
}

const char *stores_path(const char *name) {
        static char path[4096];

        snprintf(path, sizeof(path), "%s/%s", STORES_FOLDER, name);
        return path;
}

Secret *stores_read(const char *name) {
        Secret *raw = NULL, *exact = NULL;
        LoadFailure f;

        ASSERT(file_read(stores_path(name), FILE_POLICY_SECRET, &raw, NULL, &f) == 0);
        ASSERT(secret_new_from(secret_data(raw), secret_size(raw), &exact) == 0);
        secret_free(raw);
        return exact;
}

Secret *stores_secret(const char *text) {
        Secret *s = NULL;

        if (text)
                ASSERT(secret_new_from(text, strlen(text), &s) == 0);
        return s;
}

Verdict stores_load_bytes(const Secret *file, const char *alias, const char *password, const char *key_password, LoadedKey **ret_key,
                          LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *store = stores_secret(password), *key = stores_secret(key_password);
        KeyRequest q = {.path = "STORE", .file = file, .alias = alias, .store_password = store, .key_password = key};
        LoadedKey *k = NULL;
        int r;

        *ret_failure = (LoadFailure) {};
        r = entry_load(&q, &k, NULL, ret_failure);
        ASSERT(r == 0 || r == 1);
        /* Whoever gets OpenSSL's queue next must not find what was handled here. */
        ASSERT(ERR_peek_error() == 0);
        if (r == 0 && ret_key)
                *ret_key = k;
        else
                loaded_key_free(k);

        return r == 0 ? VERDICT_OK : ret_failure->verdict;
}

Verdict stores_load(const char *name, const char *alias, const char *password, const char *key_password, LoadedKey **ret_key,
                    LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *file = stores_read(name);

        return stores_load_bytes(file, alias, password, key_password, ret_key, ret_failure);
}
