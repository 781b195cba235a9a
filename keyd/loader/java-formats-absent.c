/* SPDX-License-Identifier: Apache-2.0 */

/* The keystores of Java that this build does not read: refused by name, with the way out */

#include "keyd/loader/file.h"
#include "keyd/loader/keystore.h"

static int refuse(const char *path, const char *type, LoadFailure *f) {
        char hint[sizeof(f->hint)];

        snprintf(hint, sizeof(hint), "keytool -importkeystore -srckeystore FILE -srcstoretype %s -destkeystore new.p12 -deststoretype PKCS12", type);
        return load_failure(f, VERDICT_UNSUPPORTED, hint, "%s is a %s keystore, which this build does not read", path, type);
}

int jks_open(const char *path, const Secret *file _unused_, const Secret *password _unused_, Keystore *ret _unused_, LoadFailure *ret_failure) {
        return refuse(path, "JKS", ret_failure);
}

int jceks_open(const char *path, const Secret *file _unused_, const Secret *password _unused_, Keystore *ret _unused_, LoadFailure *ret_failure) {
        return refuse(path, "JCEKS", ret_failure);
}

int bcfks_open(const char *path, const Secret *file _unused_, const Secret *password _unused_, Keystore *ret _unused_, LoadFailure *ret_failure) {
        return refuse(path, "BCFKS", ret_failure);
}
