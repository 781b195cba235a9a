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

static void *keymgmt_new(void *provctx) {
        Key *k;

        (void) provctx;
        k = calloc(1, sizeof(*k));
        if (k)
                k->n_ref = 1;
        return k;
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

static int keymgmt_import(void *keydata, int selection, const OSSL_PARAM params[]) {
        EVP_PKEY *public_key = NULL;
        Handshake *handshake = NULL;
        KeyClient *client = NULL;
        Key *k = keydata;

        (void) selection;
        if (k->public_key)
                return 0;
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

static const OSSL_PARAM *keymgmt_import_types(int selection) {
        static const OSSL_PARAM types[] = {
                OSSL_PARAM_octet_string(KEY_PARAM_PUBLIC, NULL, 0),
                OSSL_PARAM_octet_string(KEY_PARAM_HANDSHAKE, NULL, 0),
                OSSL_PARAM_octet_string(KEY_PARAM_CLIENT, NULL, 0),
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
        static const OSSL_PARAM types[] = {
                OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
                OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
                OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
                OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
                OSSL_PARAM_END,
        };

        return selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY ? NULL : types;
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
#define KEYMGMT_COMMON                                                              \
        {OSSL_FUNC_KEYMGMT_NEW, (void (*)(void)) keymgmt_new},                      \
        {OSSL_FUNC_KEYMGMT_FREE, (void (*)(void)) keymgmt_free},                    \
        {OSSL_FUNC_KEYMGMT_HAS, (void (*)(void)) keymgmt_has},                      \
        {OSSL_FUNC_KEYMGMT_IMPORT, (void (*)(void)) keymgmt_import},                \
        {OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (void (*)(void)) keymgmt_import_types},    \
        {OSSL_FUNC_KEYMGMT_EXPORT, (void (*)(void)) keymgmt_export},                \
        {OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (void (*)(void)) keymgmt_export_types},    \
        {OSSL_FUNC_KEYMGMT_GET_PARAMS, (void (*)(void)) keymgmt_get_params},        \
        {OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (void (*)(void)) keymgmt_gettable_params}
/* clang-format on */

const OSSL_DISPATCH keymgmt_functions[] = {
        KEYMGMT_COMMON,
        {0, NULL},
};

const OSSL_DISPATCH keymgmt_ec_functions[] = {
        KEYMGMT_COMMON,
        {OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (void (*)(void)) keymgmt_ec_query_operation_name},
        {0, NULL},
};
