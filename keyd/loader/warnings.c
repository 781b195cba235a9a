/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/warnings.h"

#include <openssl/x509v3.h>
#include <time.h>

#define EXPIRES_SOON_SEC (INT64_C(30) * 24 * 3600)

int asn1_time_to_seconds(const ASN1_TIME *t, int64_t *ret) {
        struct tm tm;

        if (ASN1_TIME_to_tm(t, &tm) != 1) {
                ERR_clear_error();
                return 1;
        }

        *ret = (int64_t) timegm(&tm);
        return 0;
}

void name_to_string(const X509_NAME *name, char *ret, size_t size) {
        _cleanup_(BIO_freep) BIO *b = BIO_new(BIO_s_mem());
        int n = 0;

        if (b && X509_NAME_print_ex(b, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0)
                n = BIO_read(b, ret, (int) size - 1);
        ret[n > 0 ? n : 0] = 0;
        ERR_clear_error();
}

static int warn_dates(Keystore *k, const X509 *leaf) {
        int64_t now = (int64_t) time(NULL), not_before, not_after;
        char text[32];
        struct tm tm;
        time_t t;

        if (asn1_time_to_seconds(X509_get0_notBefore(leaf), &not_before) != 0 || asn1_time_to_seconds(X509_get0_notAfter(leaf), &not_after) != 0)
                return 0;
        t = (time_t) (now < not_before ? not_before : not_after);
        if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%F %T UTC", &tm) == 0)
                return 0;

        if (now < not_before)
                return keystore_warn(k, "the certificate is not yet valid: it begins on %s", text);
        if (now > not_after)
                return keystore_warn(k, "the certificate expired on %s", text);
        if (not_after - now < EXPIRES_SOON_SEC)
                return keystore_warn(k, "the certificate expires on %s, in less than 30 days", text);

        return 0;
}

static int warn_usage(Keystore *k, X509 *leaf) {
        uint32_t extended = X509_get_extended_key_usage(leaf), usage = X509_get_key_usage(leaf);
        int r = 0;

        /* RFC 5280, 4.2.1.12: when the extension is there, the certificate is for its purposes only. */
        if (extended != UINT32_MAX && !(extended & (XKU_SSL_CLIENT | XKU_ANYEKU)))
                r = keystore_warn(k, "the certificate is not meant for TLS clients: its extended key usage lacks clientAuth");
        /* RFC 8446, 4.4.2.2 */
        if (r >= 0 && usage != UINT32_MAX && !(usage & KU_DIGITAL_SIGNATURE))
                r = keystore_warn(k, "the certificate is not meant for signatures: its key usage lacks digitalSignature");

        return r;
}

static int warn_signatures(Keystore *k, const Chain *chain) {
        char subject[256];
        int md, r = 0;

        for (size_t i = 0; r >= 0 && i < chain->n_items; i++) {
                if (X509_get_signature_info(chain->items[i], &md, NULL, NULL, NULL) != 1 || (md != NID_sha1 && md != NID_md5))
                        continue;
                name_to_string(X509_get_subject_name(chain->items[i]), subject, sizeof(subject));
                r = keystore_warn(k, "the certificate %s is signed with %s, which many servers refuse", subject, md == NID_sha1 ? "SHA-1" : "MD5");
        }

        return r;
}

/* A root that is absent is no fault, and nothing tells it from an intermediate that is: two signs are taken for the latter. */
static int warn_chain(Keystore *k, const Chain *chain) {
        X509 *last = chain->items[chain->n_items - 1];
        char issuer[256];

        if (chain->too_long)
                return keystore_warn(k, "the chain is longer than %u certificates: the rest is not sent", PROTO_CHAIN_MAX);
        if (chain->ends_at_root && chain->n_items == 1 && X509_NAME_cmp(X509_get_subject_name(last), X509_get_issuer_name(last)) == 0)
                return keystore_warn(k, "the certificate is self-signed: a server must know it itself");
        if (chain->ends_at_root || (chain->n_items > 1 && !chain->root_unused))
                return 0;

        name_to_string(X509_get_issuer_name(last), issuer, sizeof(issuer));
        return keystore_warn(k, "the chain may be incomplete: the certificate of the issuer %s is not in the store", issuer);
}

int warnings_collect(Keystore *k, const Chain *chain) {
        int r;

        r = warn_dates(k, chain->items[0]);
        if (r >= 0)
                r = warn_usage(k, chain->items[0]);
        if (r >= 0)
                r = warn_signatures(k, chain);
        if (r >= 0)
                r = warn_chain(k, chain);

        ERR_clear_error();
        return r;
}
