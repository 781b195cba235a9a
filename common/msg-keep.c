/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-keep.h"

int msg_keep_decode(Span body, MsgKeep *ret) {
        WireReader r;
        MsgKeep m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 0, PROTO_NAME_MAX);
        m.text = wire_get_vector(&r, 4, 0, KEEP_TEXT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_keep_encode(Buf *record, const MsgKeep *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_KEEP);
        wire_put_text(&w, m->profile);
        wire_put_vector(&w, 4, m->text);

        return wire_writer_end(&w);
}
