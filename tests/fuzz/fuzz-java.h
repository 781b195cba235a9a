#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the targets for JKS and JCEKS share */

#include <string.h>

#include "keyd/loader/keystore/java-crypto.h"
#include "keyd/loader/keystore/java-store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Puts the digest for the empty password where the walk says that it is. */
static inline void fuzz_fix_digest(Secret *file, size_t offset) {
        _cleanup_(java_crypto_freep) JavaCrypto *crypto = NULL;
        uint8_t digest[JAVA_DIGEST_MAX];

        ASSERT(java_crypto_new("SHA1", &crypto) == 0);
        ASSERT(java_crypto_digest(crypto, (JavaBytes[]) {java_bytes_make("Mighty Aphrodite", 16), java_bytes_make(secret_data(file), offset)}, 2,
                                  digest) == 0);
        memcpy(secret_writable(file) + offset, digest, 20);
}

/* Millions of iterations are allowed and only slow: keys that ask for more than 64 Ki are left alone. */
static inline bool fuzz_is_quick(const Secret *key) {
        _cleanup_(X509_SIG_freep) X509_SIG *s = NULL;
        const uint8_t *p = secret_data(key);
        const X509_ALGOR *algorithm = NULL;
        PBEPARAM *parameter = NULL;
        int64_t iterations = 0;

        s = d2i_X509_SIG(NULL, &p, (long) secret_size(key));
        if (s)
                X509_SIG_get0(s, &algorithm, NULL);
        if (algorithm && algorithm->parameter)
                parameter = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        if (parameter && ASN1_INTEGER_get_int64(&iterations, parameter->iter) != 1)
                iterations = 0;
        PBEPARAM_free(parameter);
        ERR_clear_error();

        return iterations <= 65536 || iterations > KEYSTORE_ITERATIONS_MAX;
}

static inline int fuzz_java_store(const JavaFormat *format, KeystoreOpen open, const uint8_t *data, size_t size) {
        _cleanup_(secret_freep) Secret *file = NULL;
        _cleanup_(keystore_done) Keystore k = {};
        LoadFailure f = {};
        size_t offset;

        ASSERT(secret_new_from(data, size, &file) == 0);
        if (java_store_find_digest(format, "fuzz", file, &offset, &f) == 0)
                fuzz_fix_digest(file, offset);
        if (open("fuzz", file, NULL, &k, &f) != 0)
                return 0;

        for (size_t i = 0; i < k.n_entries; i++) {
                _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;

                if (fuzz_is_quick(k.entries[i].key))
                        ignore_result(k.entries[i].recover(&k.entries[i], NULL, &key, &f), "any verdict will do");
        }

        return 0;
}
