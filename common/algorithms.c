/* SPDX-License-Identifier: Apache-2.0 */

#include "common/algorithms.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <pthread.h>
#include <string.h>

#define SUBSET_NAME "midtls-default"
#define ALGORITHMS_MAX 32U

struct Algorithms {
        OSSL_LIB_CTX *whole; /* the default provider's home */
        OSSL_PROVIDER *provider;
        OSSL_LIB_CTX *context; /* what is used */
        OSSL_PROVIDER *subset;
};

/* The default provider's tables are the same in every context; what differs is its own context, which its functions are called with. */
static OSSL_PROVIDER *wrapped;     /* while a context is made */
static OSSL_PROVIDER *any_default; /* of the process; never unloaded */
static const OSSL_ALGORITHM *operations[OSSL_OP__HIGHEST + 1];
static OSSL_ALGORITHM ciphers[ALGORITHMS_MAX + 1], keymgmts[ALGORITHMS_MAX + 1], decoders[ALGORITHMS_MAX + 1]; /* end with zeros */

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

/* What libssl looks for in each SSL_CTX, as a search in vain costs more than one that finds; and that of CTR_DRBG. */
static bool is_cipher_for_tls(const OSSL_ALGORITHM *a) {
        static const char *const types[] = {"AES-256-GCM",  "AES-128-GCM",  "ChaCha20-Poly1305", "AES-256-CTR",      "AES-256-CCM",
                                            "AES-128-CCM",  "AES-256-CBC",  "AES-128-CBC",       "CAMELLIA-256-CBC", "CAMELLIA-128-CBC",
                                            "ARIA-256-GCM", "ARIA-128-GCM", "DES-EDE3-CBC"};

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
        operations[OSSL_OP_CIPHER] = choose(operations[OSSL_OP_CIPHER], is_cipher_for_tls, ciphers);
        operations[OSSL_OP_KEYMGMT] = choose(operations[OSSL_OP_KEYMGMT], is_for_tls, keymgmts);
        operations[OSSL_OP_DECODER] = choose(operations[OSSL_OP_DECODER], is_public_key_decoder, decoders);
}

static const OSSL_ALGORITHM *subset_query(void *provctx, int operation_id, int *no_cache) {
        (void) provctx;
        *no_cache = 0;
        return operation_id > 0 && operation_id <= OSSL_OP__HIGHEST ? operations[operation_id] : NULL;
}

typedef struct GroupFilter {
        OSSL_CALLBACK *callback;
        void *arg;
} GroupFilter;

/* RFC 8446, 4.2.7. The others are offered by no client unless it is told to, and libssl looks up each for each SSL_CTX. */
static bool is_common_group(unsigned id) {
        return (id >= 0x0017 && id <= 0x0019) || id == 0x001d || id == 0x001e || (id >= 0x0100 && id <= 0x0104);
}

static int on_group(const OSSL_PARAM params[], void *arg) {
        const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ID);
        const GroupFilter *f = arg;
        unsigned id;

        if (!p || OSSL_PARAM_get_uint(p, &id) != 1 || !is_common_group(id))
                return 1;
        return f->callback(params, f->arg);
}

/* TLS groups are a table too: any of the default providers has it. */
static int subset_get_capabilities(void *provctx, const char *capability, OSSL_CALLBACK *callback, void *arg) {
        GroupFilter f = {.callback = callback, .arg = arg};

        (void) provctx;
        if (strcmp(capability, "TLS-GROUP") == 0)
                return OSSL_PROVIDER_get_capabilities(any_default, capability, on_group, &f);
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

static int load(Algorithms *a) {
        static pthread_once_t tables = PTHREAD_ONCE_INIT;

        a->whole = OSSL_LIB_CTX_new();
        a->context = OSSL_LIB_CTX_new();
        if (!a->whole || !a->context)
                return -ENOMEM;

        wrapped = a->provider = OSSL_PROVIDER_load(a->whole, "default");
        if (!wrapped || pthread_once(&tables, read_tables) != 0 || !any_default)
                return -EIO;
        if (OSSL_PROVIDER_add_builtin(a->context, SUBSET_NAME, subset_init) != 1)
                return -EIO;
        a->subset = OSSL_PROVIDER_load(a->context, SUBSET_NAME);
        return a->subset ? 0 : -EIO;
}

int algorithms_new(Algorithms **ret) {
        static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
        _cleanup_(algorithms_freep) Algorithms *a = NULL;
        int r;

        a = calloc(1, sizeof(*a));
        if (!a)
                return -ENOMEM;

        ASSERT(pthread_mutex_lock(&lock) == 0);
        r = load(a);
        ASSERT(pthread_mutex_unlock(&lock) == 0);
        ERR_clear_error();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(a);
        return 0;
}

Algorithms *algorithms_free(Algorithms *a) {
        if (!a)
                return NULL;

        if (a->subset)
                OSSL_PROVIDER_unload(a->subset);
        OSSL_LIB_CTX_free(a->context);
        if (a->provider)
                OSSL_PROVIDER_unload(a->provider);
        OSSL_LIB_CTX_free(a->whole);
        free(a);
        return NULL;
}

OSSL_LIB_CTX *algorithms_context(const Algorithms *a) {
        return a->context;
}

void algorithms_enter(const Algorithms *a) {
        OSSL_LIB_CTX_set0_default(a ? a->context : OSSL_LIB_CTX_get0_global_default());
}
