/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/wiping.h"

#include <curl/curl.h>
#include <jansson.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <string.h>

static void wiping_free(void *p) {
        if (p)
                explicit_bzero(p, malloc_usable_size(p));
        free(p);
}

static void *wiping_resize(void *p, size_t size) {
        void *moved = malloc(size ? size : 1);

        if (!moved)
                return NULL;
        if (p)
                memcpy(moved, p, MIN_OF(size, malloc_usable_size(p)));
        wiping_free(p);
        return moved;
}

/* As libcrypto calls them: with the place in its source. Nothing is allocated for a size of 0. */
static void *crypto_new(size_t size, const char *file _unused_, int line _unused_) {
        return size ? malloc(size) : NULL;
}

static void crypto_free(void *p, const char *file _unused_, int line _unused_) {
        wiping_free(p);
}

static void *crypto_resize(void *p, size_t size, const char *file _unused_, int line _unused_) {
        if (size > 0)
                return wiping_resize(p, size);

        wiping_free(p);
        return NULL;
}

int wiping_install(void) {
        if (CRYPTO_set_mem_functions(crypto_new, crypto_resize, crypto_free) != 1)
                return -ENOMEM;

        json_set_alloc_funcs(malloc, wiping_free);
        json_object_seed(0);

        return curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wiping_free, wiping_resize, strdup, calloc) == CURLE_OK ? 0 : -ENOMEM;
}
