/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/flight.h"

#define U24_MAX 0xffffffU
#define STATUS_TYPE_OCSP 1

/* RFC 8446, 4.4.2 and RFC 5246, 7.4.2 */
int certificate_list_decode(Span body, uint16_t version, CertificateList *ret) {
        ExtensionList extensions;
        WireReader r, list;

        *ret = (CertificateList) {};
        wire_reader_init(&r, body);
        if (version == TLS_VERSION_1_3)
                ret->context = wire_get_vector(&r, 1, 0, UINT8_MAX);
        wire_reader_init(&list, wire_get_vector(&r, 3, 0, U24_MAX));

        while (wire_reader_more(&list)) {
                Span certificate = wire_get_vector(&list, 3, 1, U24_MAX);

                if (version == TLS_VERSION_1_3)
                        extension_list_get(&list, &extensions);
                if (ret->n_certificates < CERTIFICATES_MAX)
                        ret->certificates[ret->n_certificates] = certificate;
                ret->n_certificates++;
        }

        wire_reader_check(&r, wire_reader_end(&list) == 0);
        return wire_reader_end(&r);
}

/* RFC 8446, 4.3.2 */
static void get_request_1_3(WireReader *r, CertificateRequest *ret) {
        ExtensionList extensions;

        ret->context = wire_get_vector(r, 1, 0, UINT8_MAX);
        extension_list_get(r, &extensions);
        ret->signature_algorithms = extension_get_vector(r, &extensions, EXTENSION_SIGNATURE_ALGORITHMS, 2, 2, 2);
}

/* RFC 5246, 7.4.4 */
static void get_request_1_2(WireReader *r, CertificateRequest *ret) {
        WireReader names;

        wire_get_vector(r, 1, 1, UINT8_MAX);
        ret->signature_algorithms = wire_get_vector(r, 2, 2, UINT16_MAX - 1);
        wire_reader_check(r, ret->signature_algorithms.size % 2 == 0);

        wire_reader_init(&names, wire_get_vector(r, 2, 0, UINT16_MAX));
        while (wire_reader_more(&names))
                wire_get_vector(&names, 2, 1, UINT16_MAX);
        wire_reader_check(r, wire_reader_end(&names) == 0);
}

int certificate_request_decode(Span body, uint16_t version, CertificateRequest *ret) {
        WireReader r;

        *ret = (CertificateRequest) {};
        wire_reader_init(&r, body);
        if (version == TLS_VERSION_1_3)
                get_request_1_3(&r, ret);
        else
                get_request_1_2(&r, ret);

        return wire_reader_end(&r);
}

/* RFC 8446, 4.4.3 and RFC 5246, 4.7 */
static void get_digitally_signed(WireReader *r, DigitallySigned *ret) {
        ret->scheme = wire_get_u16(r);
        ret->signature = wire_get_vector(r, 2, 0, UINT16_MAX);
}

int certificate_verify_decode(Span body, DigitallySigned *ret) {
        WireReader r;

        wire_reader_init(&r, body);
        get_digitally_signed(&r, ret);

        return wire_reader_end(&r);
}

/* RFC 6066, 8 */
int certificate_status_check(Span body) {
        WireReader r;

        wire_reader_init(&r, body);
        wire_reader_check(&r, wire_get_u8(&r) == STATUS_TYPE_OCSP);
        wire_get_vector(&r, 3, 1, U24_MAX);

        return wire_reader_end(&r);
}

/* RFC 8422, 5.4 */
int server_key_exchange_decode(Span body, ServerKeyExchange *ret) {
        WireReader r;

        wire_reader_init(&r, body);
        ret->curve_type = wire_get_u8(&r);
        ret->named_curve = wire_get_u16(&r);
        wire_get_vector(&r, 1, 1, UINT8_MAX);
        ret->params = span_make(body.data, body.size - r.rest.size);
        get_digitally_signed(&r, &ret->by);

        return wire_reader_end(&r);
}

/* RFC 8422, 5.7 */
int client_key_exchange_check(Span body) {
        WireReader r;

        wire_reader_init(&r, body);
        wire_get_vector(&r, 1, 1, UINT8_MAX);

        return wire_reader_end(&r);
}
