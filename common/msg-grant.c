/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-grant.h"

int msg_keys_begin_decode(Span body, MsgKeysBegin *ret) {
        WireReader r;
        MsgKeysBegin m = {};
        int k;

        wire_reader_init(&r, body);
        m.batch = wire_get_u64(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_keys_begin_encode(Buf *record, const MsgKeysBegin *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_KEYS_BEGIN);
        wire_put_u64(&w, m->batch);

        return wire_writer_end(&w);
}

int msg_grant_decode(Span body, MsgGrant *ret) {
        WireReader r;
        MsgGrant m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.generation = wire_get_u64(&r);
        m.max_signatures_per_minute = wire_get_u32(&r);
        m.minimum_tls = wire_get_u16(&r);
        wire_reader_check(&r, m.minimum_tls == TLS_VERSION_1_2 || m.minimum_tls == TLS_VERSION_1_3);
        msg_pins_get(&r, &m.pins);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_grant_encode(Buf *record, const MsgGrant *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_GRANT);
        wire_put_text(&w, m->profile);
        wire_put_u64(&w, m->generation);
        wire_put_u32(&w, m->max_signatures_per_minute);
        wire_put_u16(&w, m->minimum_tls);
        msg_pins_put(&w, &m->pins);

        return wire_writer_end(&w);
}

int msg_binding_decode(Span body, MsgBinding *ret) {
        WireReader r;
        MsgBinding m = {};
        int k;

        wire_reader_init(&r, body);
        m.alias = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.profile = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.destination = wire_get_text(&r, 1, ROLE_DESTINATION_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_binding_encode(Buf *record, const MsgBinding *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_BINDING);
        wire_put_text(&w, m->alias);
        wire_put_text(&w, m->profile);
        wire_put_text(&w, m->destination);

        return wire_writer_end(&w);
}

int msg_keys_taken_decode(Span body, MsgKeysTaken *ret) {
        WireReader r;
        MsgKeysTaken m = {};
        int k;

        wire_reader_init(&r, body);
        m.batch = wire_get_u64(&r);
        m.n_missing = wire_get_u32(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_keys_taken_encode(Buf *record, const MsgKeysTaken *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_KEYS_TAKEN);
        wire_put_u64(&w, m->batch);
        wire_put_u32(&w, m->n_missing);

        return wire_writer_end(&w);
}
