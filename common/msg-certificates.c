/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-certificates.h"

int msg_certificates_decode(Span body, MsgCertificates *ret) {
        WireReader r;
        MsgCertificates m = {};
        uint8_t last;
        int k;

        wire_reader_init(&r, body);
        wire_get_bytes(&r, m.set_id, sizeof(m.set_id));
        last = wire_get_u8(&r);
        wire_reader_check(&r, last <= 1);
        m.last = last == 1;
        m.certificates = wire_get_vector(&r, 4, 0, PROTO_RECORD_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_certificates_encode(Buf *record, const MsgCertificates *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_CERTIFICATES);
        wire_put_bytes(&w, m->set_id, sizeof(m->set_id));
        wire_put_u8(&w, m->last);
        wire_put_vector(&w, 4, m->certificates);

        return wire_writer_end(&w);
}

bool msg_certificates_next(Span *rest, Span *ret_der) {
        WireReader r;
        Span der;

        if (rest->size == 0)
                return false;

        wire_reader_init(&r, *rest);
        der = wire_get_vector(&r, 3, 1, PROTO_CERTIFICATE_MAX);
        if (r.failed)
                return false;

        *rest = r.rest;
        *ret_der = der;
        return true;
}
