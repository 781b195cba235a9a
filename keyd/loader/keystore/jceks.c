/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-store.h"

const JavaFormat jceks_format = {
        .name = "jceks",
        .title = "JCEKS",
        .magic = JAVA_MAGIC_JCEKS,
        .has_secret_keys = true,
};

int jceks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        return java_store_open(&jceks_format, path, file, password, ret, ret_failure);
}
