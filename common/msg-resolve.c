/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-resolve.h"

int msg_lookup_decode(Span body, MsgLookup *ret) {
        WireReader r;
        MsgLookup m = {};
        uint8_t kind;
        int k;

        wire_reader_init(&r, body);
        m.id = wire_get_u64(&r);
        wire_reader_check(&r, m.id != 0);
        kind = wire_get_u8(&r);
        wire_reader_check(&r, kind >= RESOLVE_HOST && kind < _RESOLVE_KIND_MAX);
        m.deadline_usec = wire_get_u64(&r);
        m.name = wire_get_text(&r, 0, RESOLVE_NAME_MAX);
        wire_reader_check(&r, (m.name.size == 0) == (kind == RESOLVE_KEYD));

        k = wire_reader_end(&r);
        if (k)
                return k;

        m.kind = (ResolveKind) kind;
        *ret = m;
        return 0;
}

int msg_lookup_encode(Buf *record, const MsgLookup *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, RESOLVE_LOOKUP);
        wire_put_u64(&w, m->id);
        wire_put_u8(&w, (uint8_t) m->kind);
        wire_put_u64(&w, m->deadline_usec);
        wire_put_text(&w, m->name);

        return wire_writer_end(&w);
}

static void get_addresses(WireReader *r, MsgAnswer *m) {
        uint8_t n = wire_get_u8(r);

        wire_reader_check(r, n <= RESOLVE_ADDRESSES_MAX);
        for (size_t i = 0; i < n && !r->failed; i++) {
                ResolveAddress *a = &m->addresses[m->n_addresses++];
                uint8_t version = wire_get_u8(r);

                wire_reader_check(r, version == 4 || version == 6);
                a->is_ipv6 = version == 6;
                wire_get_bytes(r, a->bytes, a->is_ipv6 ? 16 : 4);
        }
}

int msg_answer_decode(Span body, MsgAnswer *ret) {
        WireReader r;
        MsgAnswer m = {};
        uint8_t result;
        int k;

        wire_reader_init(&r, body);
        m.id = wire_get_u64(&r);
        wire_reader_check(&r, m.id != 0);
        result = wire_get_u8(&r);
        wire_reader_check(&r, result < _RESOLVE_RESULT_MAX);
        m.text = wire_get_text(&r, 0, RESOLVE_TEXT_MAX);
        m.number = wire_get_u32(&r);
        get_addresses(&r, &m);

        k = wire_reader_end(&r);
        if (k)
                return k;

        m.result = (ResolveResult) result;
        *ret = m;
        return 0;
}

int msg_answer_encode(Buf *record, const MsgAnswer *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, RESOLVE_ANSWER);
        wire_put_u64(&w, m->id);
        wire_put_u8(&w, (uint8_t) m->result);
        wire_put_text(&w, m->text);
        wire_put_u32(&w, m->number);
        wire_put_u8(&w, (uint8_t) m->n_addresses);
        for (size_t i = 0; i < m->n_addresses; i++) {
                const ResolveAddress *a = &m->addresses[i];

                wire_put_u8(&w, a->is_ipv6 ? 6 : 4);
                wire_put_bytes(&w, a->bytes, a->is_ipv6 ? 16 : 4);
        }

        return wire_writer_end(&w);
}
