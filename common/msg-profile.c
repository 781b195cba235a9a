/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-profile.h"

#include "common/msg-certificates.h"

/* A chain is a row of certificates to the last byte. */
static void check_chain(WireReader *r, Span chain) {
        size_t n = 0;
        Span der;

        while (msg_certificates_next(&chain, &der))
                n++;

        wire_reader_check(r, chain.size == 0 && n <= PROTO_CHAIN_MAX);
}

int msg_profile_decode(Span body, MsgProfile *ret) {
        WireReader r;
        MsgProfile m = {};
        int k;

        wire_reader_init(&r, body);
        m.name = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.description = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.generation = wire_get_u64(&r);
        m.state = wire_get_u8(&r);
        wire_reader_check(&r, m.state < _PROTO_STATE_MAX);
        m.reason = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.hint = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.default_port = wire_get_u16(&r);
        m.minimum_tls = wire_get_u16(&r);
        wire_reader_check(&r, m.minimum_tls == TLS_VERSION_1_2 || m.minimum_tls == TLS_VERSION_1_3);
        wire_get_bytes(&r, m.ca_set, sizeof(m.ca_set));
        msg_list_get(&r, PROTO_HOST_MAX, &m.allowed_names);
        msg_pins_get(&r, &m.pins);
        m.key_type = wire_get_text(&r, 0, PROTO_NAME_MAX);
        m.not_before = wire_get_u64(&r);
        m.not_after = wire_get_u64(&r);
        m.chain = wire_get_vector(&r, 4, 0, PROTO_CHAIN_BYTES_MAX);
        check_chain(&r, m.chain);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_profile_encode(Buf *record, const MsgProfile *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_PROFILE);
        wire_put_text(&w, m->name);
        wire_put_text(&w, m->description);
        wire_put_u64(&w, m->generation);
        wire_put_u8(&w, m->state);
        wire_put_text(&w, m->reason);
        wire_put_text(&w, m->hint);
        wire_put_u16(&w, m->default_port);
        wire_put_u16(&w, m->minimum_tls);
        wire_put_bytes(&w, m->ca_set, sizeof(m->ca_set));
        msg_list_put(&w, &m->allowed_names);
        msg_pins_put(&w, &m->pins);
        wire_put_text(&w, m->key_type);
        wire_put_u64(&w, m->not_before);
        wire_put_u64(&w, m->not_after);
        wire_put_vector(&w, 4, m->chain);

        return wire_writer_end(&w);
}
