/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/core_names.h>
#include <openssl/params.h>

#include "calld/keyprov/key.h"

Key *key_ref(Key *k) {
        if (k)
                k->n_ref++;
        return k;
}

Key *key_unref(Key *k) {
        if (!k || --k->n_ref > 0)
                return NULL;

        EVP_PKEY_free(k->public_key);
        handshake_unref(k->handshake);
        free(k);
        return NULL;
}

static Key *key_new(const char *type) {
        Key *k;

        k = calloc(1, sizeof(*k));
        if (!k)
                return NULL;

        k->n_ref = 1;
        k->type = type;
        return k;
}

static void *keymgmt_new_rsa(void *provctx) {
        (void) provctx;
        return key_new("RSA");
}

static void *keymgmt_new_ec(void *provctx) {
        (void) provctx;
        return key_new("EC");
}

static void *keymgmt_new_ed25519(void *provctx) {
        (void) provctx;
        return key_new("ED25519");
}

static void *keymgmt_new_ed448(void *provctx) {
        (void) provctx;
        return key_new("ED448");
}

static void keymgmt_free(void *keydata) {
        key_unref(keydata);
}

/* A handle has a public key, and a private key as far as libssl must know. */
static int keymgmt_has(const void *keydata, int selection) {
        const Key *k = keydata;

        (void) selection;
        return k && k->public_key;
}

static bool get_pointer(const OSSL_PARAM params[], const char *name, void *ret) {
        const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, name);

        if (!p || p->data_type != OSSL_PARAM_OCTET_STRING || p->data_size != sizeof(void *))
                return false;

        memcpy(ret, p->data, sizeof(void *));
        return true;
}

/* The leaf certificate's key, to be compared with a handle's: OpenSSL keeps what comes of it with that key. */
static int import_public(Key *k, const OSSL_PARAM params[]) {
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, k->type, "provider=default");
        int ok;

        ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &k->public_key, EVP_PKEY_PUBLIC_KEY, (OSSL_PARAM *) params) == 1;
        EVP_PKEY_CTX_free(ctx);
        return ok;
}

static int keymgmt_import(void *keydata, int selection, const OSSL_PARAM params[]) {
        EVP_PKEY *public_key = NULL;
        Handshake *handshake = NULL;
        KeyClient *client = NULL;
        Key *k = keydata;

        (void) selection;
        if (k->public_key)
                return 0;
        if (!OSSL_PARAM_locate_const(params, KEY_PARAM_PUBLIC))
                return import_public(k, params);
        if (!get_pointer(params, KEY_PARAM_PUBLIC, &public_key) || !get_pointer(params, KEY_PARAM_HANDSHAKE, &handshake) ||
            !get_pointer(params, KEY_PARAM_CLIENT, &client))
                return 0;
        if (EVP_PKEY_up_ref(public_key) != 1)
                return 0;

        k->public_key = public_key;
        k->handshake = handshake_ref(handshake);
        k->client = client;
        return 1;
}

/* clang-format off */
#define PUBLIC_TYPES                                                \
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),  \
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),\
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),              \
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0)
/* clang-format on */

static const OSSL_PARAM *keymgmt_import_types(int selection) {
        static const OSSL_PARAM types[] = {
                OSSL_PARAM_octet_string(KEY_PARAM_PUBLIC, NULL, 0),
                OSSL_PARAM_octet_string(KEY_PARAM_HANDSHAKE, NULL, 0),
                OSSL_PARAM_octet_string(KEY_PARAM_CLIENT, NULL, 0),
                PUBLIC_TYPES,
                OSSL_PARAM_END,
        };

        (void) selection;
        return types;
}

/*
 * The public half only. Were an export with the private half to succeed, EVP_DigestSignInit() would take the signature to the default
 * provider, which has no key to sign with.
 */
static int keymgmt_export(void *keydata, int selection, OSSL_CALLBACK *callback, void *arg) {
        const Key *k = keydata;

        if (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY)
                return 0;
        return EVP_PKEY_export(k->public_key, selection, callback, arg);
}

static const OSSL_PARAM *keymgmt_export_types(int selection) {
        static const OSSL_PARAM types[] = {PUBLIC_TYPES, OSSL_PARAM_END};

        return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : types;
}

/* libssl asks for each connection whether certificate and key belong together. Without this it would export each handle to compare it. */
static int keymgmt_match(const void *keydata1, const void *keydata2, int selection) {
        const Key *a = keydata1, *b = keydata2;

        (void) selection;
        return EVP_PKEY_eq(a->public_key, b->public_key) == 1;
}

static int keymgmt_get_params(void *keydata, OSSL_PARAM params[]) {
        const Key *k = keydata;

        return EVP_PKEY_get_params(k->public_key, params);
}

static const OSSL_PARAM *keymgmt_gettable_params(void *provctx) {
        static const OSSL_PARAM types[] = {
                OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
                OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
                OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
                OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
                OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
                OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, NULL, 0),
                OSSL_PARAM_END,
        };

        (void) provctx;
        return types;
}

/* libssl signs with "EC" keys under the name ECDSA. */
static const char *keymgmt_ec_query_operation_name(int operation_id) {
        return operation_id == OSSL_OP_SIGNATURE ? "ECDSA" : NULL;
}

/* clang-format off */
#define KEYMGMT(new_function)                                                       \
        {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void)) new_function},                     \
        {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void)) keymgmt_free},                    \
        {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void)) keymgmt_has},                      \
        {OSSL_FUNC_KEYMGMT_MATCH, (void (*)(void)) keymgmt_match},                  \
        {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void)) keymgmt_import},                \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void)) keymgmt_import_types},    \
        {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void)) keymgmt_export},                \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void)) keymgmt_export_types},    \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void)) keymgmt_get_params},        \
        {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void)) keymgmt_gettable_params}

const OSSL_DISPATCH keymgmt_rsa_functions[] = {KEYMGMT(keymgmt_new_rsa), {0, NULL}};
const OSSL_DISPATCH keymgmt_ed25519_functions[] = {KEYMGMT(keymgmt_new_ed25519), {0, NULL}};
const OSSL_DISPATCH keymgmt_ed448_functions[] = {KEYMGMT(keymgmt_new_ed448), {0, NULL}};
const OSSL_DISPATCH keymgmt_ec_functions[] = {
        KEYMGMT(keymgmt_new_ec),
        {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void)) keymgmt_ec_query_operation_name},
        {0, NULL},
};
/* clang-format on */
