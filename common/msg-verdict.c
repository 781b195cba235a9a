/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-verdict.h"

int msg_verdict_decode(Span body, MsgVerdict *ret) {
        WireReader r;
        MsgVerdict m = {};
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
        m.destination = wire_get_text(&r, 1, ROLE_DESTINATION_MAX);
        wire_get_bytes(&r, m.server_spki_sha256, sizeof(m.server_spki_sha256));
        wire_get_bytes(&r, m.transcript_sha256, sizeof(m.transcript_sha256));
        m.to_sign = wire_get_vector(&r, 4, 32, PROTO_TRANSCRIPT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_verdict_encode(Buf *record, const MsgVerdict *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_VERDICT);
        wire_put_u64(&w, m->request_id);
        wire_put_text(&w, m->alias);
        wire_put_u64(&w, m->generation);
        wire_put_text(&w, m->call_id);
        wire_put_u16(&w, m->tls_version);
        wire_put_u16(&w, m->scheme);
        wire_put_u64(&w, m->deadline_usec);
        wire_put_text(&w, m->destination);
        wire_put_bytes(&w, m->server_spki_sha256, sizeof(m->server_spki_sha256));
        wire_put_bytes(&w, m->transcript_sha256, sizeof(m->transcript_sha256));
        wire_put_vector(&w, 4, m->to_sign);

        return wire_writer_end(&w);
}
