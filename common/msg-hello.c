/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-hello.h"

int msg_hello_decode(Span body, MsgHello *ret) {
        WireReader r;
        MsgHello m = {};
        int k;

        wire_reader_init(&r, body);
        m.version = wire_get_u16(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_hello_encode(Buf *record, MsgType type, const MsgHello *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, (uint8_t) type);
        wire_put_u16(&w, m->version);

        return wire_writer_end(&w);
}

int msg_empty_decode(Span body) {
        return body.size > 0 ? WIRE_E_MALFORMED : 0;
}

int msg_empty_encode(Buf *record, MsgType type) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, (uint8_t) type);

        return wire_writer_end(&w);
}

int msg_split(Span record, uint8_t *ret_type, Span *ret_body) {
        if (record.size == 0)
                return WIRE_E_MALFORMED;

        *ret_type = record.data[0];
        *ret_body = span_make(record.data + 1, record.size - 1);
        return 0;
}
