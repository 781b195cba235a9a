/* SPDX-License-Identifier: Apache-2.0 */

/* A PEM file from anybody, as a keystore; its blocks are read from a heap block of their exact size, too */

#include <string.h>

#include "keyd/loader/entry.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/pem-block.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_blocks(const uint8_t *data, size_t size) {
        PemReader reader;
        LoadFailure f;
        int r;

        pem_reader_init(&reader, (BerBytes) {.data = data, .size = size}, 16);
        do {
                _cleanup_(pem_block_done) PemBlock b = {};

                r = pem_reader_next(&reader, &b, &f);
                ASSERT(r != 0 || (b.label[0] && secret_size(b.der) > 0 && secret_size(b.der) <= size));
        } while (r == 0);
        ASSERT(r == PEM_E_END || r == PEM_E_FAILURE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(secret_freep) Secret *file = NULL, *password = NULL;
        _cleanup_(loaded_key_freep) LoadedKey *k = NULL;
        _cleanup_(keystore_done) Keystore store = {};
        LoadFailure f = {};
        int r;

        read_blocks(data, size);
        ASSERT(secret_new_from(data, size, &file) == 0 && secret_new_from("changeit", 8, &password) == 0);
        r = pem_open("fuzz", file, password, &store, &f);
        ASSERT(r == 0 || (r == 1 && f.verdict != VERDICT_OK && f.detail[0] && f.hint[0]));

        r = entry_load(&(KeyRequest) {.path = "fuzz", .file = file, .store_password = password}, &k, NULL, &f);
        ASSERT(r == 0 || (r == 1 && f.verdict != VERDICT_OK && f.detail[0] && f.hint[0]));
        ASSERT(ERR_peek_error() == 0);
        return 0;
}
