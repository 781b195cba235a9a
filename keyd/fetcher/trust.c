/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

static bool add_all(X509_STORE *store, BIO *bio) {
        size_t n = 0;
        X509 *x;

        while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
                bool added = X509_STORE_add_cert(store, x) == 1;

                X509_free(x);
                if (!added)
                        return false;
                n++;
        }

        /* What ends the list is that there is no further one, not one that is broken. */
        return n > 0 && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
}

static CURLcode on_context(CURL *curl _unused_, void *context, void *userdata) {
        const Buf *pem = userdata;
        X509_STORE *store = X509_STORE_new();
        BIO *bio = BIO_new_mem_buf(pem->data, (int) pem->size);
        bool good = store && bio && add_all(store, bio);

        BIO_free(bio);
        ERR_clear_error();
        if (!good) {
                X509_STORE_free(store);
                return CURLE_SSL_CACERT_BADFILE;
        }

        SSL_CTX_set_cert_store(context, store);
        return CURLE_OK;
}

CURLcode trust_set(CURL *curl, const Buf *pem) {
        CURLcode k = CURLE_OK;

        /* Without the first two the system's CA certificates would be trusted as well. */
        k = k ? k : curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
        k = k ? k : curl_easy_setopt(curl, CURLOPT_CAINFO, NULL);
        k = k ? k : curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_context);
        k = k ? k : curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, (void *) pem);
        return k;
}
