/* SPDX-License-Identifier: Apache-2.0 */

/* Passwords that are encrypted to this host's key: refused by name where no such key can be read */

#include "keyd/loader/file.h"
#include "keyd/loader/store.h"

int password_decrypt(const char *base64 _unused_, Secret **ret _unused_, LoadFailure *ret_failure) {
        return load_failure(ret_failure, VERDICT_UNSUPPORTED,
                            "use credential:NAME with LoadCredentialEncrypted=NAME:FILE in the unit; systemd-creds encrypt makes FILE",
                            "passwords of the form midtls:BASE64 are not read by this build");
}
