/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/pkcs8.h"

#include <string.h>

#include "common/role.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/pbe.h"

#define HINT_DAMAGED "the key is damaged: export it again"
#define TAG_PUBLIC_KEY 0x81

static int check_outline(BerBytes der, LoadFailure *f) {
        if (der.size > ROLE_KEY_BYTES_MAX)
                return load_failure(f, VERDICT_LIMIT, "RSA keys up to 8192 bits fit easily: make another key",
                                    "the private key has %zu bytes, more than %u", der.size, ROLE_KEY_BYTES_MAX);
        if (ber_check(der, PKCS8_ELEMENTS_MAX) != 0)
                return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "the private key is malformed, or bytes follow it");

        return 0;
}

/*
 * RFC 5958, section 2: version 2 may end with the public key, which OpenSSL 3.0 does not take. *ret is NULL when there is none; else
 * the same key as version 1.
 */
static int drop_public_key(BerBytes der, Secret **ret) {
        static const uint8_t version[] = {BER_INTEGER, 1, 0};
        uint8_t tags[8], *out;
        BerBytes first, rest;
        size_t n_tags, size, kept = 0;
        BerHeader h;
        int r;

        *ret = NULL;
        if (ber_children(der, tags, ARRAY_SIZE(tags), &n_tags, &first) != 0 || n_tags < 4 || tags[n_tags - 1] != TAG_PUBLIC_KEY)
                return 0;
        if (ber_read_header(der, &h) != 0 || h.indefinite || first.size != sizeof(version))
                return 0;

        rest = (BerBytes) {.data = first.data + first.size, .size = h.size - first.size};
        for (size_t i = 1; i + 1 < n_tags; i++) {
                if (ber_measure((BerBytes) {.data = rest.data + kept, .size = rest.size - kept}, PKCS8_ELEMENTS_MAX, &size) != 0)
                        return 0;
                kept += size;
        }

        /* At most ROLE_KEY_BYTES_MAX: a length of two bytes always does. */
        size = sizeof(version) + kept;
        r = secret_new(4 + size, ret);
        if (r < 0)
                return r;
        out = secret_writable(*ret);
        out[0] = BER_SEQUENCE;
        out[1] = 0x82;
        out[2] = (uint8_t) (size >> 8);
        out[3] = (uint8_t) size;
        memcpy(out + 4, version, sizeof(version));
        memcpy(out + 4 + sizeof(version), rest.data, kept);
        secret_set_size(*ret, 4 + size);
        return 0;
}

static int decode_info(BerBytes der, EVP_PKEY **ret, LoadFailure *f) {
        _cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
        const uint8_t *p = der.data;
        const ASN1_OBJECT *oid = NULL;
        char name[64];

        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long) der.size);
        if (!info || p != der.data + der.size || PKCS8_pkey_get0(&oid, NULL, NULL, NULL, info) != 1) {
                ERR_clear_error();
                return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "the private key is not a PrivateKeyInfo");
        }

        *ret = EVP_PKCS82PKEY(info);
        ERR_clear_error();
        if (*ret)
                return 0;

        switch (OBJ_obj2nid(oid)) {
        case NID_rsaEncryption:
        case NID_rsassaPss:
        case NID_ED25519:
        case NID_ED448:
                return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "the private key (%s) cannot be decoded", pbe_oid_name(oid, name, sizeof(name)));
        case NID_X9_62_id_ecPublicKey:
                return load_failure(f, VERDICT_UNSUPPORTED, "use P-256, P-384 or P-521",
                                    "the private key is malformed or on a curve this OpenSSL has not");
        default:
                return load_failure(f, VERDICT_UNSUPPORTED, "use RSA, P-256, P-384, P-521, Ed25519 or Ed448", "keys of type %s are not supported",
                                    pbe_oid_name(oid, name, sizeof(name)));
        }
}

int pkcs8_decode(BerBytes der, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *version_1 = NULL;
        int r;

        r = check_outline(der, ret_failure);
        if (r == 0)
                r = drop_public_key(der, &version_1);
        if (r != 0)
                return r;

        return decode_info(version_1 ? ber_from_secret(version_1) : der, ret, ret_failure);
}

int pkcs8_decode_traditional(int type, BerBytes der, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(EVP_PKEY_freep) EVP_PKEY *key = NULL;
        const uint8_t *p = der.data;
        int r;

        r = check_outline(der, ret_failure);
        if (r != 0)
                return r;

        key = d2i_PrivateKey_ex(type, NULL, &p, (long) der.size, NULL, NULL);
        ERR_clear_error();
        if (!key || p != der.data + der.size)
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_DAMAGED, "the %s private key cannot be decoded",
                                    type == EVP_PKEY_RSA ? "RSA" : "EC");

        *ret = TAKE_PTR(key);
        return 0;
}

static int key_password_failure(const Secret *password, LoadFailure *f) {
        if (!password)
                return load_failure(f, VERDICT_KEYPASS, "set KeyPassword= (or Password=)",
                                    "the private key is encrypted and no password is configured");

        return load_failure(f, VERDICT_KEYPASS, "set KeyPassword= to the key's own password, when it differs from the store's",
                            "the password does not decrypt the private key");
}

static int recover_encrypted(BerBytes der, const Secret *password, EVP_PKEY **ret, LoadFailure *f) {
        _cleanup_(X509_SIG_freep) X509_SIG *sealed = NULL;
        _cleanup_(secret_freep) Secret *plain = NULL;
        _cleanup_(pbe_done) Pbe pbe = {};
        uint64_t budget = PBE_WORK_MAX;
        const ASN1_OCTET_STRING *text = NULL;
        const X509_ALGOR *algorithm = NULL;
        const uint8_t *p = der.data;
        int r;

        sealed = d2i_X509_SIG(NULL, &p, (long) der.size);
        ERR_clear_error();
        if (!sealed || p != der.data + der.size)
                return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "the private key is not an EncryptedPrivateKeyInfo");

        X509_SIG_get0(sealed, &algorithm, &text);
        r = pbe_parse(algorithm, &pbe, f);
        if (r == 0)
                r = pbe_decrypt(&pbe, password, (BerBytes) {.data = ASN1_STRING_get0_data(text), .size = (size_t) ASN1_STRING_length(text)}, &budget,
                                &plain, f);
        if (r == PBE_E_PASSWORD)
                return key_password_failure(password, f);
        if (r != 0)
                return r;

        return pkcs8_decode(ber_from_secret(plain), ret, f);
}

int keystore_recover_pkcs8(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) {
        BerBytes der = ber_from_secret(e->key), first;
        uint8_t tag;
        size_t n;

        if (ber_check(der, PKCS8_ELEMENTS_MAX) != 0 || der.data[0] != BER_SEQUENCE || ber_children(der, &tag, 1, &n, &first) != 0 || n != 1)
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_DAMAGED, "the private key is malformed, or bytes follow it");

        return tag == BER_INTEGER ? pkcs8_decode(der, ret, ret_failure) : recover_encrypted(der, password, ret, ret_failure);
}
