/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-sign.h"

int msg_sign_decode(Span body, MsgSign *ret) {
        WireReader r;
        MsgSign m = {};
        int k;

        wire_reader_init(&r, body);
        m.request_id = wire_get_u64(&r);
        wire_reader_check(&r, m.request_id != 0);
        m.alias = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.generation = wire_get_u64(&r);
        m.call_id = wire_get_text(&r, 0, PROTO_CALL_ID_MAX);
        m.tls_version = wire_get_u16(&r);
        wire_reader_check(&r, m.tls_version == TLS_VERSION_1_2 || m.tls_version == TLS_VERSION_1_3);
        m.scheme = wire_get_u16(&r);
        m.deadline_usec = wire_get_u64(&r);
        m.transcript = wire_get_vector(&r, 4, 4, PROTO_TRANSCRIPT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_sign_encode(Buf *record, const MsgSign *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_SIGN);
        wire_put_u64(&w, m->request_id);
        wire_put_text(&w, m->alias);
        wire_put_u64(&w, m->generation);
        wire_put_text(&w, m->call_id);
        wire_put_u16(&w, m->tls_version);
        wire_put_u16(&w, m->scheme);
        wire_put_u64(&w, m->deadline_usec);
        wire_put_vector(&w, 4, m->transcript);

        return wire_writer_end(&w);
}

int msg_signature_decode(Span body, MsgSignature *ret) {
        WireReader r;
        MsgSignature m = {};
        int k;

        wire_reader_init(&r, body);
        m.request_id = wire_get_u64(&r);
        m.signature = wire_get_vector(&r, 2, 1, PROTO_SIGNATURE_MAX);
        m.busy_usec = wire_get_u64(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_signature_encode(Buf *record, const MsgSignature *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_SIGNATURE);
        wire_put_u64(&w, m->request_id);
        wire_put_vector(&w, 2, m->signature);
        wire_put_u64(&w, m->busy_usec);

        return wire_writer_end(&w);
}
