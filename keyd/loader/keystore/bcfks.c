/* SPDX-License-Identifier: Apache-2.0 */

/* BCFKS: the MAC first, over bytes that are not decoded but for their outer frame; then the store is decrypted; keys only when asked for */

#include <string.h>

#include "keyd/loader/keystore/bcfks-crypto.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/java-recover.h"
#include "keyd/loader/keystore/java-text.h"
#include "keyd/loader/keystore/ossl-private.h"

#define CHAIN_MAX 64U

typedef struct BcfksOpen {
        const char *path;
        const Secret *password;
        BcfksStore store;
        BcfksKdf mac_kdf;
        BcfksCipher cipher; /* when the store is encrypted */
        Keystore *keystore;
} BcfksOpen;

static int fail_format(const char *path, const char *what, LoadFailure *f) {
        return load_failure(f, VERDICT_FORMAT, "copy the keystore again, or make it again with keytool and Bouncy Castle",
                            "%s is not a sound BCFKS keystore: %s", path, what);
}

static int fail_count(const char *path, const char *what, unsigned max, LoadFailure *f) {
        return load_failure(f, VERDICT_LIMIT, "remove what is not needed from the keystore (keytool -delete)", "%s holds more than %u %s", path, max,
                            what);
}

static int fail_unavailable(const char *path, LoadFailure *f) {
        return load_failure(f, VERDICT_UNSUPPORTED, "make the keystore again with PBKDF2-HMAC-SHA-512 and AES-CCM",
                            "%s needs an algorithm that OpenSSL on this host does not offer (FIPS mode?)", path);
}

/* All that can be refused without work. */
static int frame_check(BcfksOpen *o, const Secret *file, LoadFailure *f) {
        int r;

        if (!bcfks_store_parse(java_bytes_from_secret(file), &o->store))
                return fail_format(o->path, "it is cut short, or not what the format says", f);
        if (o->store.is_signed)
                return load_failure(f, VERDICT_UNSUPPORTED, "protect the store with a password instead of a signature",
                                    "%s is protected by a signature, not by a password", o->path);
        if (o->store.mac.oid != BCFKS_OID_HMAC_SHA512 && o->store.mac.oid != BCFKS_OID_HMAC_SHA3_512)
                return load_failure(f, VERDICT_UNSUPPORTED, "make the keystore again with HMAC-SHA-512",
                                    "%s is protected by a MAC that is not known for BCFKS", o->path);

        r = bcfks_kdf_parse(&o->store.kdf, o->path, &o->mac_kdf, f);
        if (r)
                return r;
        if (o->mac_kdf.key_size == 0)
                return fail_format(o->path, "the size of the MAC's key is missing", f);
        if (!o->store.is_encrypted)
                return 0;

        return bcfks_cipher_parse(&o->store.encrypted.algorithm, o->path, &o->cipher, f);
}

static int mac_check(const BcfksOpen *o, LoadFailure *f) {
        int r;

        r = bcfks_mac_verify(&o->store, &o->mac_kdf, o->password);
        if (r == BCFKS_E_UNAVAILABLE)
                return fail_unavailable(o->path, f);
        if (r == BCFKS_E_MISMATCH)
                return load_failure(f, VERDICT_AUTH,
                                    "check the store's password with `keytool -list`; with the right one, take the file from a backup",
                                    "%s: the password is wrong, or the file has been altered", o->path);

        return r;
}

/* Takes the next certificate from @r and adds it to *stack. */
static int decode_certificate(const BcfksOpen *o, JavaReader *r, STACK_OF(X509) **stack, LoadFailure *f) {
        JavaBytes der = der_get_whole(r, DER_SEQUENCE);
        _cleanup_(X509_freep) X509 *certificate = NULL;

        if (!r->failed)
                certificate = ossl_parse_certificate(der.data, der.size);
        if (!certificate)
                return fail_format(o->path, "a certificate is malformed", f);

        if (!*stack)
                *stack = sk_X509_new_null();
        if (!*stack || sk_X509_push(*stack, certificate) <= 0)
                return -ENOMEM;

        TAKE_PTR(certificate);
        return 0;
}

static int decode_trusted(const BcfksOpen *o, JavaBytes data, LoadFailure *f) {
        JavaReader r;
        int e;

        java_reader_init(&r, data);
        e = decode_certificate(o, &r, &o->keystore->certificates, f);
        if (e)
                return e;

        return der_end(&r) ? 0 : fail_format(o->path, "bytes follow a certificate", f);
}

static int decode_alias(const BcfksOpen *o, JavaBytes utf8, KeystoreEntry *e, LoadFailure *f) {
        int r;

        if (utf8.size > KEYSTORE_ALIAS_MAX)
                return load_failure(f, VERDICT_LIMIT, "give the entry a shorter name (keytool -changealias)",
                                    "%s holds an entry whose name has %zu bytes; at most %u are read", o->path, utf8.size, KEYSTORE_ALIAS_MAX);
        r = java_text_copy_utf8(utf8, &e->alias, &e->alias_has_nul);

        return r == JAVA_TEXT_E_MALFORMED ? fail_format(o->path, "the name of an entry is not UTF-8", f) : r;
}

static int bcfks_recover(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *plain = NULL;
        BcfksEncrypted encrypted;
        BcfksCipher cipher;
        JavaReader reader;
        int r;

        java_reader_init(&reader, java_bytes_from_secret(e->key));
        encrypted = bcfks_get_encrypted(&reader);
        if (!der_end(&reader))
                return fail_format(e->alias, "this key is no EncryptedPrivateKeyInfo", ret_failure);

        r = bcfks_cipher_parse(&encrypted.algorithm, e->alias, &cipher, ret_failure);
        if (r)
                return r;
        r = bcfks_decrypt(&cipher, encrypted.content, password, "PRIVATE_KEY_ENCRYPTION", &plain);
        if (r == BCFKS_E_UNAVAILABLE)
                return fail_unavailable(e->alias, ret_failure);
        if (r == BCFKS_E_MISMATCH)
                return java_fail_keypass(e->alias, ret_failure);
        if (r < 0)
                return r;

        return java_recover_plain(plain, e->alias, ret, ret_failure);
}

/* SEQUENCE { EncryptedPrivateKeyInfo, SEQUENCE OF Certificate } */
static int decode_private_key(const BcfksOpen *o, const BcfksObject *object, LoadFailure *f) {
        JavaReader outside, inside, certificates;
        KeystoreEntry *e;
        JavaBytes key;
        int r;

        java_reader_init(&outside, object->data);
        inside = der_get_inside(&outside, DER_SEQUENCE);
        key = der_get_whole(&inside, DER_SEQUENCE);
        certificates = der_get_inside(&inside, DER_SEQUENCE);
        if (!der_end(&outside) || !der_end(&inside))
                return fail_format(o->path, "a private key is not what the format says", f);

        r = keystore_add_entry(o->keystore, &e);
        if (r < 0)
                return r;
        e->recover = bcfks_recover;
        r = decode_alias(o, object->identifier, e, f);
        if (r)
                return r;
        r = secret_new_from(key.data, key.size, &e->key);
        if (r < 0)
                return r;

        for (unsigned n = 0; certificates.rest.size > 0; n++) {
                if (n == CHAIN_MAX)
                        return fail_count(o->path, "certificates for one key", CHAIN_MAX, f);
                r = decode_certificate(o, &certificates, &e->chain, f);
                if (r)
                        return r;
        }

        return 0;
}

static int decode_object(const BcfksOpen *o, const BcfksObject *object, LoadFailure *f) {
        switch (object->type) {
        case BCFKS_TYPE_CERTIFICATE:
                return decode_trusted(o, object->data, f);
        case BCFKS_TYPE_PRIVATE_KEY:
        case BCFKS_TYPE_PROTECTED_PRIVATE_KEY:
                return decode_private_key(o, object, f);
        case BCFKS_TYPE_SECRET_KEY:
        case BCFKS_TYPE_PROTECTED_SECRET_KEY:
        case BCFKS_TYPE_PBKDF_KEY:
                o->keystore->n_secret_entries++;
                return 0;
        default:
                return fail_format(o->path, "it holds an entry of an unknown kind", f);
        }
}

_Static_assert(KEYSTORE_ENTRIES_MAX <= KEYSTORE_CERTIFICATES_MAX, "a trusted certificate is an entry");

static int decode(const BcfksOpen *o, JavaBytes data, LoadFailure *f) {
        BcfksAlgorithm integrity;
        JavaReader objects;

        if (!bcfks_objects_parse(data, &integrity, &objects))
                return fail_format(o->path, "what is in it is malformed", f);
        /* The choice of the MAC is itself under the MAC. */
        if (!java_bytes_equal(integrity.whole, o->store.mac.whole))
                return fail_format(o->path, "it names two kinds of MAC", f);

        for (unsigned n = 0; objects.rest.size > 0; n++) {
                BcfksObject object;
                int r;

                if (n == KEYSTORE_ENTRIES_MAX)
                        return fail_count(o->path, "entries", KEYSTORE_ENTRIES_MAX, f);
                object = bcfks_get_object(&objects);
                if (objects.failed)
                        return fail_format(o->path, "an entry is malformed", f);
                r = decode_object(o, &object, f);
                if (r)
                        return r;
        }

        return 0;
}

static int decrypt_and_decode(const BcfksOpen *o, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *plain = NULL;
        int r;

        if (!o->store.is_encrypted)
                return decode(o, o->store.data, f);

        r = bcfks_decrypt(&o->cipher, o->store.encrypted.content, o->password, "STORE_ENCRYPTION", &plain);
        if (r == BCFKS_E_UNAVAILABLE)
                return fail_unavailable(o->path, f);
        if (r == BCFKS_E_MISMATCH)
                return fail_format(o->path, "its MAC fits, its content does not decrypt", f);
        if (r < 0)
                return r;

        return decode(o, java_bytes_from_secret(plain), f);
}

int bcfks_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore k = {.format = "bcfks"};
        BcfksOpen o = {.path = path, .password = password, .keystore = &k};
        int r;

        r = frame_check(&o, file, ret_failure);
        if (r)
                return r;
        r = mac_check(&o, ret_failure);
        if (r)
                return r;
        r = decrypt_and_decode(&o, ret_failure);
        if (r)
                return r;

        *ret = k;
        k = (Keystore) {};
        return 0;
}
