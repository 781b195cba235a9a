/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "calld/keyprov/key.h"
#include "calld/keyprov/provider.h"

#define PROVIDER_PROPERTIES "provider=" PROVIDER_NAME

/* libssl knows the kind of a key by these names. */
static const OSSL_ALGORITHM keymgmt_algorithms[] = {
        {"RSA:rsaEncryption", PROVIDER_PROPERTIES, keymgmt_rsa_functions, "RSA key held by keyd"},
        {"EC:id-ecPublicKey", PROVIDER_PROPERTIES, keymgmt_ec_functions, "EC key held by keyd"},
        {"ED25519", PROVIDER_PROPERTIES, keymgmt_ed25519_functions, "Ed25519 key held by keyd"},
        {"ED448", PROVIDER_PROPERTIES, keymgmt_ed448_functions, "Ed448 key held by keyd"},
        {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM signature_algorithms[] = {
        {"RSA:rsaEncryption", PROVIDER_PROPERTIES, signature_rsa_functions, "RSA signature by keyd"},
        {"ECDSA", PROVIDER_PROPERTIES, signature_functions, "ECDSA signature by keyd"},
        {"ED25519", PROVIDER_PROPERTIES, signature_functions, "Ed25519 signature by keyd"},
        {"ED448", PROVIDER_PROPERTIES, signature_functions, "Ed448 signature by keyd"},
        {NULL, NULL, NULL, NULL},
};

static const OSSL_ALGORITHM *provider_query(void *provctx, int operation_id, int *no_cache) {
        (void) provctx;
        *no_cache = 0;
        if (operation_id == OSSL_OP_KEYMGMT)
                return keymgmt_algorithms;
        if (operation_id == OSSL_OP_SIGNATURE)
                return signature_algorithms;
        return NULL;
}

static const OSSL_DISPATCH provider_functions[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void)) provider_query},
        {0, NULL},
};

static int provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in, const OSSL_DISPATCH **out, void **provctx) {
        (void) in;
        *out = provider_functions;
        *provctx = (void *) handle;
        return 1;
}

/*
 * The default provider's algorithms come first: an unqualified fetch takes the first provider that has the name, and ECDHE needs EC key
 * generation. The property says the same again; it must be optional ("?"), or the signature of a key of ours would not be found.
 */
int provider_load(OSSL_LIB_CTX *context, OSSL_PROVIDER **ret) {
        if (OSSL_PROVIDER_add_builtin(context, PROVIDER_NAME, provider_init) != 1)
                return -EIO;
        *ret = OSSL_PROVIDER_load(context, PROVIDER_NAME);
        return *ret && EVP_set_default_properties(context, "?provider=default") == 1 ? 0 : -EIO;
}
