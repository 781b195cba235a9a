/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/load.h"

#include <string.h>

#include "common/ini.h"
#include "keyd/loader/entry.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/store.h"

const char *verdict_to_string(Verdict v) {
        static const char *const names[_VERDICT_MAX] = {
                [VERDICT_OK] = "ok",         [VERDICT_FORMAT] = "format",
                [VERDICT_AUTH] = "auth",     [VERDICT_KEYPASS] = "keypass",
                [VERDICT_ALIAS] = "alias",   [VERDICT_NOKEY] = "nokey",
                [VERDICT_NOCERT] = "nocert", [VERDICT_MISMATCH] = "mismatch",
                [VERDICT_LIMIT] = "limit",   [VERDICT_UNSUPPORTED] = "unsupported",
                [VERDICT_POLICY] = "policy", [VERDICT_IO] = "io",
        };

        return (unsigned) v < ARRAY_SIZE(names) ? names[v] : NULL;
}

int load_prepare(void) {
        return ossl_private() ? 0 : -ENOMEM;
}

/* What was said about the passwords comes behind what was said about the store. */
static int add_warnings(LoadedKey *k, StoreSecrets *s) {
        int r = 0;

        for (size_t i = 0; r >= 0 && s->warnings && s->warnings[i]; i++) {
                char *copy = strdup(s->warnings[i]);

                r = strv_add(&k->warnings, copy);
        }
        return r;
}

int load_key(const ProfileConfig *p, Vault *vault, LoadedKey **ret, LoadFailure *ret_failure) {
        _cleanup_(store_secrets_done) StoreSecrets s = {};
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        KeyRequest q;
        int r;

        *ret_failure = (LoadFailure) {};
        r = store_fetch(p, vault, &s, ret_failure);
        if (r != 0)
                return r;

        q = (KeyRequest) {
                .path = s.path,
                .file = s.file,
                .type = p->keystore_type,
                .alias = p->key_alias && *p->key_alias ? p->key_alias : NULL,
                .store_password = s.store_password,
                .key_password = s.key_password,
        };
        r = entry_load(&q, &k, NULL, ret_failure);
        /* Keystore and password change one after the other: that they do not fit may be over soon. */
        if (r > 0 && s.is_fetched && (s.is_changing || ret_failure->verdict == VERDICT_AUTH || ret_failure->verdict == VERDICT_KEYPASS))
                vault_want_retry(vault, 0);
        if (r == 0)
                r = add_warnings(k, &s);
        if (r != 0)
                return r;

        *ret = TAKE_PTR(k);
        return 0;
}
