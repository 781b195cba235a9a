/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/certificate.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <string.h>

#include "calld/call/detail.h"
#include "calld/gateway/reserved.h"
#include "common/msg-certificates.h"
#include "common/parse.h"

DEFINE_CLEANUP(X509 *, X509_free)

static json_t *name_to_json(const X509_NAME *name) {
        char text[DETAIL_NAME_MAX];
        json_t *value;

        detail_name(name, text, sizeof(text));
        value = json_string(text);
        return value ? value : json_string(""); /* no UTF-8, or cut in the middle of a character */
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

/* NULL when it cannot be read */
static json_t *describe(Span der) {
        _cleanup_(X509_freep) X509 *x = parse(der);
        uint8_t digest[EVP_MAX_MD_SIZE];
        char hex[2 * EVP_MAX_MD_SIZE + 1];
        unsigned size = 0;

        if (!x || EVP_Digest(der.data, der.size, digest, &size, EVP_sha256(), NULL) != 1)
                return NULL;

        hex_encode(digest, size, hex);
        return json_pack("{s:o, s:o, s:s, s:o}", "subject", name_to_json(X509_get_subject_name(x)), "issuer", name_to_json(X509_get_issuer_name(x)),
                         "sha256", hex, "not_after", time_to_json(detail_not_after(x)));
}

json_t *certificate_to_json(const MsgProfile *p) {
        Span rest = p->chain, der;
        json_t *o;

        o = msg_certificates_next(&rest, &der) ? describe(der) : NULL;
        if (!o)
                return json_null();

        json_object_set_new(o, "key_type", json_stringn((const char *) p->key_type.data, p->key_type.size));
        json_object_set_new(o, "not_before", time_to_json(p->not_before));
        json_object_set_new(o, "not_after", time_to_json(p->not_after));
        return o;
}

json_t *certificate_chain(const MsgProfile *p) {
        json_t *array = json_array();
        Span rest = p->chain, der;

        while (msg_certificates_next(&rest, &der)) {
                json_t *o = describe(der);

                if (o)
                        json_array_append_new(array, o);
        }
        return array;
}

bool certificate_has_issuer(const MsgProfile *p, const char *name) {
        Span rest = p->chain, der;

        while (msg_certificates_next(&rest, &der)) {
                _cleanup_(X509_freep) X509 *x = parse(der);
                char text[DETAIL_NAME_MAX];

                if (!x)
                        continue;
                detail_name(X509_get_issuer_name(x), text, sizeof(text));
                if (strcmp(text, name) == 0)
                        return true;
        }
        return false;
}

json_t *certificate_server(const DetailCertificate *c) {
        return json_pack("{s:o, s:o}", "subject", reserved_text(span_from_string(c->subject)), "not_after", time_to_json(c->not_after));
}
