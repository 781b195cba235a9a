/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/keyprov/library.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <string.h>

#define SUBSET_NAME "midtls-default"
#define ALGORITHMS_MAX 32U

struct Library {
        OSSL_LIB_CTX *whole; /* the default provider's home */
        OSSL_PROVIDER *provider;
        OSSL_LIB_CTX *context; /* what the thread uses */
        OSSL_PROVIDER *subset, *ours;
};

/* The default provider's tables are the same in every context; what differs is its own context, which its functions are called with. */
static OSSL_PROVIDER *wrapped;     /* while a library is made */
static OSSL_PROVIDER *any_default; /* of the process; never unloaded */
static const OSSL_ALGORITHM *operations[OSSL_OP__HIGHEST + 1];
static OSSL_ALGORITHM keymgmts[ALGORITHMS_MAX + 1], decoders[ALGORITHMS_MAX + 1]; /* end with zeros */

/* "RSA:rsaEncryption" is of the type RSA. */
static bool is_of_type(const char *names, const char *type) {
        size_t n = strlen(type);

        return strncasecmp(names, type, n) == 0 && (names[n] == '\0' || names[n] == ':');
}

/* Keys of certificates, of key exchanges, and HMAC, which resumption in TLS 1.3 makes a key of. */
static bool is_for_tls(const OSSL_ALGORITHM *a) {
        static const char *const types[] = {"RSA", "RSA-PSS", "EC", "X25519", "X448", "ED25519", "ED448", "DH", "HMAC"};

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (is_of_type(a->algorithm_names, types[i]))
                        return true;
        return false;
}

/* RFC 5280, 4.1.2.7: what a certificate holds */
static bool is_public_key_decoder(const OSSL_ALGORITHM *a) {
        return is_for_tls(a) && strstr(a->property_definition, "input=der") && strstr(a->property_definition, "structure=SubjectPublicKeyInfo");
}

static const OSSL_ALGORITHM *choose(const OSSL_ALGORITHM *from, bool (*wanted)(const OSSL_ALGORITHM *a), OSSL_ALGORITHM *ret) {
        size_t n = 0;

        for (; from && from->algorithm_names && n < ALGORITHMS_MAX; from++)
                if (wanted(from))
                        ret[n++] = *from;
        return ret;
}

static void read_tables(void) {
        int no_cache;

        any_default = OSSL_PROVIDER_load(OSSL_LIB_CTX_get0_global_default(), "default");
        for (int i = 1; i <= OSSL_OP__HIGHEST; i++)
                operations[i] = OSSL_PROVIDER_query_operation(wrapped, i, &no_cache);
        operations[OSSL_OP_KEYMGMT] = choose(operations[OSSL_OP_KEYMGMT], is_for_tls, keymgmts);
        operations[OSSL_OP_DECODER] = choose(operations[OSSL_OP_DECODER], is_public_key_decoder, decoders);
}

static const OSSL_ALGORITHM *subset_query(void *provctx, int operation_id, int *no_cache) {
        (void) provctx;
        *no_cache = 0;
        return operation_id > 0 && operation_id <= OSSL_OP__HIGHEST ? operations[operation_id] : NULL;
}

/* TLS groups are a table too: any of the default providers has it. */
static int subset_get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *callback, void *arg) {
        (void) provctx;
        return OSSL_PROVIDER_get_capabilities(any_default, capability, callback, arg);
}

static int subset_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx) {
        static const OSSL_DISPATCH functions[] = {
                {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void)) subset_query},
                {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void)) subset_get_capabilities},
                {0, NULL},
        };

        (void) handle;
        (void) in;
        *out = functions;
        *provctx = OSSL_PROVIDER_get0_provider_ctx(wrapped);
        return 1;
}

static int load(Library *l) {
        static pthread_once_t tables = PTHREAD_ONCE_INIT;

        l->whole = OSSL_LIB_CTX_new();
        l->context = OSSL_LIB_CTX_new();
        if (!l->whole || !l->context)
                return -ENOMEM;

        wrapped = l->provider = OSSL_PROVIDER_load(l->whole, "default");
        if (!wrapped || pthread_once(&tables, read_tables) != 0 || !any_default)
                return -EIO;
        if (OSSL_PROVIDER_add_builtin(l->context, SUBSET_NAME, subset_init) != 1)
                return -EIO;
        l->subset = OSSL_PROVIDER_load(l->context, SUBSET_NAME);
        return l->subset ? provider_load(l->context, &l->ours) : -EIO;
}

int library_new(Library **ret) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        _cleanup_(library_freep) Library *l = NULL;
        int r;

        l = calloc(1, sizeof(*l));
        if (!l)
                return -ENOMEM;

        ASSERT(pthread_mutex_lock(&lock) == 0);
        r = load(l);
        ASSERT(pthread_mutex_unlock(&lock) == 0);
        ERR_clear_error();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(l);
        return 0;
}

static void unload(OSSL_PROVIDER *p) {
        if (p)
                OSSL_PROVIDER_unload(p);
}

Library *library_free(Library *l) {
        if (!l)
                return NULL;

        unload(l->ours);
        unload(l->subset);
        OSSL_LIB_CTX_free(l->context);
        unload(l->provider);
        OSSL_LIB_CTX_free(l->whole);
        free(l);
        return NULL;
}

void library_enter(const Library *l) {
        OSSL_LIB_CTX_set0_default(l ? l->context : OSSL_LIB_CTX_get0_global_default());
}
