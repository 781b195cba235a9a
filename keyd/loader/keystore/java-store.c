/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-store.h"

#include <string.h>
#include <strings.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/java-crypto.h"
#include "keyd/loader/keystore/java-record.h"
#include "keyd/loader/keystore/java-recover.h"
#include "keyd/loader/keystore/java-text.h"
#include "keyd/loader/keystore/ossl-private.h"

#define DIGEST_SIZE 20U
#define DIGEST_SALT "Mighty Aphrodite"

/* first step: the walk */

int java_store_find_digest(const JavaFormat *format, const char *path, const Secret *file, size_t *ret_offset, LoadFailure *ret_failure) {
        JavaRecord record;
        JavaWalk w;
        int r;

        r = java_walk_init(&w, format, path, java_bytes_from_secret(file), ret_failure);
        if (r)
                return r;
        for (uint32_t i = 0; i < w.n_entries; i++) {
                r = java_walk_next(&w, &record, ret_failure);
                if (r)
                        return r;
        }
        if (w.reader.rest.size < DIGEST_SIZE)
                return load_failure(ret_failure, VERDICT_FORMAT, "copy the keystore again", "%s is cut short: its digest is missing", path);

        *ret_offset = secret_size(file) - w.reader.rest.size;
        return 0;
}

/* second step: the digest */

static int fail_auth(const char *path, LoadFailure *f) {
        return load_failure(f, VERDICT_AUTH,
                            "check the store's password with `keytool -list -keystore FILE`; with the right one, take the file from a backup",
                            "%s: the password is wrong, or the file has been altered", path);
}

static int verify_digest(const char *path, const Secret *file, size_t offset, const Secret *password, LoadFailure *f) {
        const uint8_t *stored = secret_data(file) + offset;
        _cleanup_(java_crypto_freep) JavaCrypto *crypto = NULL;
        _cleanup_(secret_freep) Secret *utf16 = NULL;
        uint8_t digest[JAVA_DIGEST_MAX];
        int r;

        r = java_crypto_new("SHA1", &crypto);
        if (r == JAVA_CRYPTO_E_UNAVAILABLE)
                return java_fail_unavailable("SHA-1", f);
        if (r < 0)
                return r;
        r = java_password_to_utf16(password, &utf16);
        if (r < 0)
                return r;
        r = java_crypto_digest(crypto,
                               (JavaBytes[]) {
                                       java_bytes_from_secret(utf16),
                                       java_bytes_make(DIGEST_SALT, sizeof(DIGEST_SALT) - 1),
                                       java_bytes_make(secret_data(file), offset),
                               },
                               3, digest);
        if (r < 0)
                return r;

        return java_bytes_equal(java_bytes_make(digest, DIGEST_SIZE), java_bytes_make(stored, DIGEST_SIZE)) ? 0 : fail_auth(path, f);
}

/* third step: decoding */

/* The name of Java's certificate factory; "X509" is its alias there. */
static bool is_x509(JavaBytes type) {
        return (type.size == 5 && strncasecmp((const char *) type.data, "X.509", 5) == 0) ||
               (type.size == 4 && strncasecmp((const char *) type.data, "X509", 4) == 0);
}

static int decode_certificate(const JavaWalk *w, JavaBytes type, JavaBytes der, X509 **ret, LoadFailure *f) {
        X509 *certificate;

        if (w->version == 2 && !is_x509(type))
                return load_failure(f, VERDICT_UNSUPPORTED, "remove that entry (keytool -delete); X.509 certificates only",
                                    "%s holds a certificate of another type than X.509", w->path);

        certificate = ossl_parse_certificate(der.data, der.size);
        if (!certificate)
                return load_failure(f, VERDICT_FORMAT, "import the certificate again", "%s holds a certificate that is malformed", w->path);

        *ret = certificate;
        return 0;
}

/* Adds the certificates of @record to *stack, which is made when it is NULL and there are some. */
static int decode_certificates(const JavaWalk *w, JavaRecord *record, STACK_OF(X509) **stack, LoadFailure *f) {
        for (uint32_t i = 0; i < record->n_certificates; i++) {
                _cleanup_(X509_freep) X509 *certificate = NULL;
                JavaBytes type, der;
                int r;

                java_record_get_certificate(&record->certificates, w->version, &type, &der);
                r = decode_certificate(w, type, der, &certificate, f);
                if (r)
                        return r;
                if (!*stack)
                        *stack = sk_X509_new_null();
                if (!*stack || sk_X509_push(*stack, certificate) <= 0)
                        return -ENOMEM;
                TAKE_PTR(certificate);
        }

        return 0;
}

static int decode_alias(const JavaWalk *w, JavaBytes modified, KeystoreEntry *e, LoadFailure *f) {
        int r;

        r = java_text_to_utf8(modified, &e->alias, &e->alias_has_nul);
        if (r == JAVA_TEXT_E_MALFORMED)
                return load_failure(f, VERDICT_FORMAT, "make the keystore again with keytool", "%s holds an entry whose name is not modified UTF-8",
                                    w->path);
        if (r < 0)
                return r;
        if (strlen(e->alias) > KEYSTORE_ALIAS_MAX)
                return load_failure(f, VERDICT_LIMIT, "give the entry a shorter name (keytool -changealias)",
                                    "%s holds an entry whose name has %zu bytes; at most %u are read", w->path, strlen(e->alias), KEYSTORE_ALIAS_MAX);

        return 0;
}

static int decode_private_key(const JavaWalk *w, JavaRecord *record, Keystore *k, LoadFailure *f) {
        KeystoreEntry *e;
        int r;

        r = keystore_add_entry(k, &e);
        if (r < 0)
                return r;

        e->recover = java_recover;
        r = decode_alias(w, record->alias, e, f);
        if (r)
                return r;
        r = secret_new_from(record->key.data, record->key.size, &e->key);
        if (r < 0)
                return r;

        return decode_certificates(w, record, &e->chain, f);
}

static int decode(const JavaFormat *format, const char *path, JavaBytes store, Keystore *k, LoadFailure *f) {
        JavaRecord record;
        JavaWalk w;
        int r;

        r = java_walk_init(&w, format, path, store, f);
        for (uint32_t i = 0; r == 0 && i < w.n_entries; i++) {
                r = java_walk_next(&w, &record, f);
                if (r)
                        break;
                if (record.tag == JAVA_TAG_PRIVATE_KEY)
                        r = decode_private_key(&w, &record, k, f);
                else if (record.tag == JAVA_TAG_CERTIFICATE)
                        r = decode_certificates(&w, &record, &k->certificates, f);
                else
                        k->n_secret_entries++;
        }

        return r;
}

int java_store_open(const JavaFormat *format, const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore k = {.format = format->name};
        size_t offset, n_after;
        int r;

        r = java_store_find_digest(format, path, file, &offset, ret_failure);
        if (r)
                return r;
        r = verify_digest(path, file, offset, password, ret_failure);
        if (r)
                return r;
        r = decode(format, path, java_bytes_make(secret_data(file), offset), &k, ret_failure);
        if (r)
                return r;

        n_after = secret_size(file) - offset - DIGEST_SIZE;
        if (n_after > 0) {
                r = keystore_warn(&k, "%zu bytes after the end of the keystore are ignored", n_after);
                if (r < 0)
                        return r;
        }

        *ret = k;
        k = (Keystore) {};
        return 0;
}
