/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-quarantine.h"

int msg_progress_decode(Span body, MsgProgress *ret) {
        WireReader r;
        MsgProgress m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 0, PROTO_NAME_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_progress_encode(Buf *record, const MsgProgress *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_PROGRESS);
        wire_put_text(&w, m->profile);

        return wire_writer_end(&w);
}

int msg_quarantine_decode(Span body, MsgQuarantine *ret) {
        WireReader r;
        MsgQuarantine m = {};
        uint8_t put_off;
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 1, PROTO_NAME_MAX);
        put_off = wire_get_u8(&r);
        wire_reader_check(&r, put_off <= 1);
        m.put_off = put_off == 1;
        m.sentence = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.hint = wire_get_text(&r, 0, PROTO_TEXT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_quarantine_encode(Buf *record, const MsgQuarantine *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_QUARANTINE);
        wire_put_text(&w, m->profile);
        wire_put_u8(&w, m->put_off);
        wire_put_text(&w, m->sentence);
        wire_put_text(&w, m->hint);

        return wire_writer_end(&w);
}
