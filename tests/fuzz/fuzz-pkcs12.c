/* SPDX-License-Identifier: Apache-2.0 */

/* A PKCS #12 file from anybody: the integrity check is passed over by files without a MAC, so every decoder is reached */

#include "keyd/loader/entry.h"
#include "keyd/loader/keystore/keystore.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(secret_freep) Secret *file = NULL, *password = NULL;
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        _cleanup_(keystore_done) Keystore store = {};
        LoadFailure f = {};
        int r;

        ASSERT(secret_new_from(data, size, &file) == 0 && secret_new_from("changeit", 8, &password) == 0);
        r = pkcs12_open("fuzz", file, password, &store, &f);
        ASSERT(r == 0 || (r == 1 && f.verdict != VERDICT_OK && f.detail[0] && f.hint[0]));

        r = entry_load(&(KeyRequest) {.path = "fuzz", .file = file, .store_password = password}, &k, NULL, &f);
        ASSERT(r == 0 || (r == 1 && f.verdict != VERDICT_OK && f.detail[0] && f.hint[0]));
        ASSERT(ERR_peek_error() == 0);
        return 0;
}
