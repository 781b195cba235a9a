/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-store.h"

const JavaFormat jks_format = {
        .name = "jks",
        .title = "JKS",
        .magic = JAVA_MAGIC_JKS,
};

int jks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        return java_store_open(&jks_format, path, file, password, ret, ret_failure);
}
