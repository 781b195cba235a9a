/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-snapshot.h"

static bool get_bool(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        wire_reader_check(r, v <= 1);
        return v == 1;
}

int msg_snapshot_decode(Span body, MsgSnapshot *ret) {
        WireReader r;
        MsgSnapshot m = {};
        int k;

        wire_reader_init(&r, body);
        m.revision = wire_get_u64(&r);
        m.mid_name = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.max_calls = wire_get_u32(&r);
        m.max_calls_per_user = wire_get_u32(&r);
        m.max_header_bytes = wire_get_u32(&r);
        m.header_timeout_usec = wire_get_u64(&r);
        m.idle_timeout_usec = wire_get_u64(&r);
        m.idle_exit_usec = wire_get_u64(&r);
        m.tcp_token = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.report_only = get_bool(&r);
        m.best_effort = get_bool(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_snapshot_encode(Buf *record, const MsgSnapshot *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_SNAPSHOT);
        wire_put_u64(&w, m->revision);
        wire_put_text(&w, m->mid_name);
        wire_put_u32(&w, m->max_calls);
        wire_put_u32(&w, m->max_calls_per_user);
        wire_put_u32(&w, m->max_header_bytes);
        wire_put_u64(&w, m->header_timeout_usec);
        wire_put_u64(&w, m->idle_timeout_usec);
        wire_put_u64(&w, m->idle_exit_usec);
        wire_put_text(&w, m->tcp_token);
        wire_put_u8(&w, m->report_only);
        wire_put_u8(&w, m->best_effort);

        return wire_writer_end(&w);
}
