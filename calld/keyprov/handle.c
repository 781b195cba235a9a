/* SPDX-License-Identifier: Apache-2.0 */

#include <openssl/err.h>
#include <openssl/params.h>

#include "calld/keyprov/handle.h"
#include "calld/keyprov/key.h"
#include "calld/keyprov/provider.h"

DEFINE_CLEANUP(EVP_PKEY_CTX *, EVP_PKEY_CTX_free)
DEFINE_CLEANUP(EVP_PKEY *, EVP_PKEY_free)

static const char *handle_type(const EVP_PKEY *key) {
        static const char *const types[] = {"RSA", "EC", "ED25519", "ED448"};

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (EVP_PKEY_is_a(key, types[i]))
                        return types[i];
        return NULL;
}

/*
 * Without its size, strength or group libssl would drop the key's signature algorithms and send an empty Certificate in TLS 1.3, silently.
 */
static bool handle_is_usable(const EVP_PKEY *key) {
        char group[64];
        size_t n;

        if (EVP_PKEY_get_size(key) <= 0 || EVP_PKEY_get_bits(key) <= 0 || EVP_PKEY_get_security_bits(key) <= 0)
                return false;
        return !EVP_PKEY_is_a(key, "EC") || EVP_PKEY_get_group_name(key, group, sizeof(group), &n) == 1;
}

int handle_new(EVP_PKEY *public_key, Handshake *h, KeyClient *client, EVP_PKEY **ret) {
        _cleanup_(EVP_PKEY_CTX_freep) EVP_PKEY_CTX *ctx = NULL;
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        const char *type = handle_type(public_key);
        OSSL_PARAM params[] = {
                OSSL_PARAM_construct_octet_string(KEY_PARAM_PUBLIC, &public_key, sizeof(void *)),
                OSSL_PARAM_construct_octet_string(KEY_PARAM_HANDSHAKE, &h, sizeof(void *)),
                OSSL_PARAM_construct_octet_string(KEY_PARAM_CLIENT, &client, sizeof(void *)),
                OSSL_PARAM_construct_end(),
        };
        bool ok;

        if (!type)
                return -EOPNOTSUPP;

        ctx = EVP_PKEY_CTX_new_from_name(NULL, type, "provider=" PROVIDER_NAME);
        ok = ctx && EVP_PKEY_fromdata_init(ctx) == 1 && EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) == 1 && handle_is_usable(key);
        ERR_clear_error();
        if (!ok)
                return -EIO;

        *ret = TAKE_PTR(key);
        return 0;
}
