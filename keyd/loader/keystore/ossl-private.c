/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/ossl-private.h"

#include "keyd/loader/keystore/ber.h"

/* A certificate of 64 KiB could be made of thousands of empty names, each a few hundred bytes once decoded. */
#define CERTIFICATE_ELEMENTS_MAX 4096U

OSSL_LIB_CTX *ossl_private(void) {
        static OSSL_LIB_CTX *context = NULL;
        OSSL_LIB_CTX *c;

        if (context)
                return context;
        c = OSSL_LIB_CTX_new();
        if (!c)
                return NULL;
        if (!OSSL_PROVIDER_load(c, "default")) {
                OSSL_LIB_CTX_free(c);
                return NULL;
        }
        /* A host without it reads every store but the old ones, and says so when it meets one. */
        ignore_result(OSSL_PROVIDER_load(c, "legacy"), "optional");
        ERR_clear_error();

        context = c;
        return context;
}

X509 *ossl_parse_certificate(const uint8_t *der, size_t size) {
        const uint8_t *p = der;
        X509 *x;

        if (size > LONG_MAX || ber_check((BerBytes) {.data = der, .size = size}, CERTIFICATE_ELEMENTS_MAX) != 0)
                return NULL;

        x = d2i_X509(NULL, &p, (long) size);
        ERR_clear_error();
        return x;
}
