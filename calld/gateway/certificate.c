/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/msg-certificates.h"
#include "common/parse.h"

DEFINE_CLEANUP(X509 *, X509_free)
DEFINE_CLEANUP(BIO *, BIO_free)

/* RFC 4514, readable: UTF-8 stays, what would disturb is escaped */
static json_t *name_to_json(const X509_NAME *name) {
        _cleanup_(BIO_freep) BIO *bio = BIO_new(BIO_s_mem());
        char *text = NULL;
        long n;

        if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long) ASN1_STRFLGS_ESC_MSB) < 0)
                return json_string("");
        n = BIO_get_mem_data(bio, &text);
        return n > 0 ? json_stringn(text, (size_t) n) : json_string("");
}

static json_t *time_to_json(uint64_t seconds) {
        time_t t = (time_t) seconds;
        char text[32];
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                return json_string("");
        return json_string(text);
}

static X509 *parse(Span der) {
        const unsigned char *p = der.data;
        X509 *x = d2i_X509(NULL, &p, (long) der.size);

        ERR_clear_error();
        return x;
}

json_t *certificate_to_json(const MsgProfile *p) {
        _cleanup_(X509_freep) X509 *x = NULL;
        uint8_t digest[EVP_MAX_MD_SIZE];
        char hex[2 * EVP_MAX_MD_SIZE + 1];
        Span rest = p->chain, der;
        unsigned size = 0;

        if (!msg_certificates_next(&rest, &der))
                return json_null();
        x = parse(der);
        if (!x || EVP_Digest(der.data, der.size, digest, &size, EVP_sha256(), NULL) != 1)
                return json_null();

        hex_encode(digest, size, hex);
        return json_pack("{s:o, s:o, s:s, s:o, s:o, s:o}", "subject", name_to_json(X509_get_subject_name(x)), "issuer",
                         name_to_json(X509_get_issuer_name(x)), "sha256", hex, "key_type",
                         json_stringn((const char *) p->key_type.data, p->key_type.size), "not_before", time_to_json(p->not_before), "not_after",
                         time_to_json(p->not_after));
}

json_t *certificate_subjects(const MsgProfile *p) {
        json_t *array = json_array();
        Span rest = p->chain, der;

        while (msg_certificates_next(&rest, &der)) {
                _cleanup_(X509_freep) X509 *x = parse(der);

                if (x)
                        json_array_append_new(array, name_to_json(X509_get_subject_name(x)));
        }
        return array;
}
