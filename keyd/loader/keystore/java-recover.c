/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-recover.h"

#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/java-protector.h"

static const char *shown(const char *alias) {
        return alias ? alias : "";
}

static int fail_format(const char *alias, const char *what, LoadFailure *f) {
        return load_failure(f, VERDICT_FORMAT, "import the key into the keystore again", "the key of entry \"%s\" is malformed: %s", shown(alias),
                            what);
}

int java_fail_unavailable(const char *algorithm, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED,
                            "convert it on another host: keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12",
                            "this Java keystore needs %s, which OpenSSL on this host does not offer (FIPS mode?)", algorithm);
}

int java_fail_keypass(const char *alias, LoadFailure *f) {
        return load_failure(f, VERDICT_KEYPASS, "set KeyPassword= to the password of this key; it may differ from the store's",
                            "the password does not open the key of entry \"%s\"", shown(alias));
}

/* What OpenSSL has no decoder for, against what is broken. */
static bool is_known_algorithm(const X509_ALGOR *algorithm) {
        static const int known[] = {NID_rsaEncryption, NID_rsassaPss, NID_ED25519, NID_ED448, NID_dsa, NID_dhKeyAgreement, NID_X25519, NID_X448};
        const ASN1_OBJECT *oid = NULL;
        const void *parameter = NULL;
        int parameter_type = 0, nid;

        X509_ALGOR_get0(&oid, &parameter_type, &parameter, algorithm);
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (OBJ_obj2nid(oid) == known[i])
                        return true;

        if (OBJ_obj2nid(oid) != NID_X9_62_id_ecPublicKey || parameter_type != V_ASN1_OBJECT)
                return false;
        nid = OBJ_obj2nid(parameter);

        return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1;
}

int java_recover_plain(const Secret *plain, const char *alias, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(PKCS8_PRIV_KEY_INFO_freep) PKCS8_PRIV_KEY_INFO *info = NULL;
        const uint8_t *p = secret_data(plain), *end = p + secret_size(plain);
        const X509_ALGOR *algorithm = NULL;
        EVP_PKEY *key;

        info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &p, (long) secret_size(plain));
        if (!info) {
                ERR_clear_error();
                return fail_format(alias, "it is no PrivateKeyInfo", ret_failure);
        }
        if (p != end)
                return fail_format(alias, "bytes follow the PrivateKeyInfo", ret_failure);

        key = EVP_PKCS82PKEY(info);
        ERR_clear_error();
        if (!key) {
                PKCS8_pkey_get0(NULL, NULL, NULL, &algorithm, info);
                if (is_known_algorithm(algorithm))
                        return fail_format(alias, "its algorithm is known, its value is not one", ret_failure);
                return load_failure(ret_failure, VERDICT_UNSUPPORTED, "use RSA, P-256, P-384, P-521, Ed25519 or Ed448",
                                    "the key of entry \"%s\" is of a kind or curve that OpenSSL does not know", shown(alias));
        }

        *ret = key;
        return 0;
}

static int open_protected(const X509_SIG *protected, const Secret *password, const char *alias, Secret **ret, LoadFailure *f) {
        const X509_ALGOR *algorithm = NULL;
        const ASN1_OCTET_STRING *octets = NULL;
        const ASN1_OBJECT *oid = NULL;
        char name[64];
        JavaBytes cipher;

        X509_SIG_get0(protected, &algorithm, &octets);
        X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
        cipher = java_bytes_make(ASN1_STRING_get0_data(octets), (size_t) ASN1_STRING_length(octets));
        if (OBJ_obj2txt(name, sizeof(name), oid, 1) <= 0)
                return fail_format(alias, "its algorithm has no name", f);

        if (strcmp(name, JKS_PROTECTOR_OID) == 0)
                return jks_protector_open(cipher, password, alias, ret, f);
        if (strcmp(name, JCEKS_PROTECTOR_OID) == 0)
                return jceks_protector_open(cipher, algorithm->parameter, password, alias, ret, f);

        return load_failure(f, VERDICT_UNSUPPORTED, "keytool -importkeystore -srckeystore OLD -destkeystore NEW.p12 -deststoretype PKCS12",
                            "the key of entry \"%s\" is encrypted with %s, which Java keystores do not use", shown(alias), name);
}

int java_recover(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(X509_SIG_freep) X509_SIG *protected = NULL;
        _cleanup_(secret_freep) Secret *plain = NULL;
        const uint8_t *p = secret_data(e->key), *end = p + secret_size(e->key);
        int r;

        protected = d2i_X509_SIG(NULL, &p, (long) secret_size(e->key));
        if (!protected || p != end) {
                ERR_clear_error();
                return fail_format(e->alias, "it is no EncryptedPrivateKeyInfo", ret_failure);
        }

        r = open_protected(protected, password, e->alias, &plain, ret_failure);
        if (r)
                return r;

        return java_recover_plain(plain, e->alias, ret, ret_failure);
}
