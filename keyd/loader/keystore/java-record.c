/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/java-record.h"

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/jceks-serial.h"

/* No alias of KEYSTORE_ALIAS_MAX bytes takes more than this: U+0000 is two bytes here. */
#define ALIAS_MODIFIED_MAX (2 * KEYSTORE_ALIAS_MAX)

static int fail_format(const JavaWalk *w, const char *what, LoadFailure *f) {
        return load_failure(f, VERDICT_FORMAT, "copy the keystore again, or make it again with keytool", "%s is not a sound %s keystore: %s", w->path,
                            w->format->title, what);
}

static int fail_limit(const JavaWalk *w, const char *what, unsigned long long n, unsigned long long max, LoadFailure *f) {
        return load_failure(f, VERDICT_LIMIT, "remove what is not needed from the keystore (keytool -delete)",
                            "%s claims %llu %s; at most %llu are read", w->path, n, what, max);
}

int java_walk_init(JavaWalk *w, const JavaFormat *format, const char *path, JavaBytes store, LoadFailure *ret_failure) {
        uint32_t magic;

        *w = (JavaWalk) {.format = format, .path = path};
        java_reader_init(&w->reader, store);
        magic = java_get_u32(&w->reader);
        w->version = java_get_u32(&w->reader);
        w->n_entries = java_get_u32(&w->reader);

        if (w->reader.failed)
                return fail_format(w, "it is cut short", ret_failure);
        if (magic != format->magic && magic != JAVA_MAGIC_JKS)
                return fail_format(w, "it begins with other bytes", ret_failure);
        if (w->version != 1 && w->version != 2)
                return fail_format(w, "versions 1 and 2 are known, it has another", ret_failure);
        if (w->n_entries > INT32_MAX)
                return fail_format(w, "its number of entries is negative", ret_failure);
        if (w->n_entries > KEYSTORE_ENTRIES_MAX)
                return fail_limit(w, "entries", w->n_entries, KEYSTORE_ENTRIES_MAX, ret_failure);

        return 0;
}

void java_record_get_certificate(JavaReader *r, uint32_t version, JavaBytes *ret_type, JavaBytes *ret_der) {
        *ret_type = version == 1 ? (JavaBytes) {} : java_get_utf(r);
        *ret_der = java_get_block(r);
}

/* Remembers where the certificates begin and passes @n of them. */
static int skip_certificates(JavaWalk *w, uint32_t n, JavaRecord *ret, LoadFailure *f) {
        JavaBytes type, der;

        if (n > INT32_MAX)
                return fail_format(w, "the length of a certificate chain is negative", f);
        if (n > JAVA_CHAIN_MAX)
                return fail_limit(w, "certificates for one key", n, JAVA_CHAIN_MAX, f);
        if (n > KEYSTORE_CERTIFICATES_MAX - w->n_certificates)
                return fail_limit(w, "certificates or more", w->n_certificates + n, KEYSTORE_CERTIFICATES_MAX, f);

        w->n_certificates += n;
        ret->n_certificates = n;
        ret->certificates = w->reader;
        for (uint32_t i = 0; i < n && !w->reader.failed; i++)
                java_record_get_certificate(&w->reader, w->version, &type, &der);

        return 0;
}

static int skip_secret_key(JavaWalk *w, LoadFailure *f) {
        if (jceks_serial_skip(&w->reader) != JCEKS_SERIAL_E_UNKNOWN)
                return 0;

        return load_failure(
                f, VERDICT_UNSUPPORTED,
                "keytool -importkeystore -srckeystore STORE -srcstoretype JCEKS -srcalias ALIAS -destkeystore NEW.p12 -deststoretype PKCS12",
                "%s holds a secret key in a form that is not known, and what follows cannot be found", w->path);
}

static int skip_content(JavaWalk *w, JavaRecord *ret, LoadFailure *f) {
        if (ret->tag == JAVA_TAG_PRIVATE_KEY) {
                ret->key = java_get_block(&w->reader);
                return skip_certificates(w, java_get_u32(&w->reader), ret, f);
        }
        if (ret->tag == JAVA_TAG_CERTIFICATE)
                return skip_certificates(w, 1, ret, f);
        if (ret->tag == JAVA_TAG_SECRET_KEY && w->format->has_secret_keys)
                return skip_secret_key(w, f);

        return fail_format(w, "it holds an entry of an unknown kind", f);
}

int java_walk_next(JavaWalk *w, JavaRecord *ret, LoadFailure *ret_failure) {
        int r = 0;

        *ret = (JavaRecord) {};
        ret->tag = java_get_u32(&w->reader);
        ret->alias = java_get_utf(&w->reader);
        java_get_fixed(&w->reader, 8); /* date */

        if (!w->reader.failed && ret->alias.size > ALIAS_MODIFIED_MAX)
                return fail_limit(w, "bytes for a name", ret->alias.size, KEYSTORE_ALIAS_MAX, ret_failure);
        if (!w->reader.failed)
                r = skip_content(w, ret, ret_failure);
        if (r)
                return r;
        if (w->reader.failed)
                return fail_format(w, "it is cut short, or a length in it is wrong", ret_failure);

        return 0;
}
