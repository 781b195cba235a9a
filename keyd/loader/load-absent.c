/* SPDX-License-Identifier: Apache-2.0 */

/* A build without the reader of keystores: every profile is refused by name. */

#include "keyd/loader/file.h"
#include "keyd/loader/inspect.h"
#include "keyd/loader/load.h"

static int refuse(LoadFailure *ret_failure) {
        return load_failure(ret_failure, VERDICT_UNSUPPORTED, "install a build with keystores", "this build reads no keystores");
}

const char *verdict_to_string(Verdict v _unused_) {
        return "unsupported";
}

LoadedKey *loaded_key_free(LoadedKey *k) {
        free(k);
        return NULL;
}

CaSet *ca_set_free(CaSet *s) {
        free(s);
        return NULL;
}

int load_prepare(void) {
        return 0;
}

int load_key(const ProfileConfig *p _unused_, LoadedKey **ret _unused_, LoadFailure *ret_failure) {
        return refuse(ret_failure);
}

int load_ca_set(const ProfileConfig *p _unused_, CaSet **ret _unused_, LoadFailure *ret_failure) {
        return refuse(ret_failure);
}

int load_crls(const ProfileConfig *p _unused_, Buf *ret_ders _unused_, LoadFailure *ret_failure) {
        return refuse(ret_failure);
}

int inspect_file(const char *path _unused_, const char *key_alias _unused_, const Secret *store_password _unused_,
                 const Secret *key_password _unused_, FILE *out) {
        fputs("{\"verdict\":\"unsupported\",\"detail\":\"this build reads no keystores\",\"hint\":\"install a build with keystores\"}\n", out);
        return 1;
}
