/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-load.h"

static bool get_bool(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        wire_reader_check(r, v <= 1);
        return v == 1;
}

int msg_load_decode(Span body, MsgLoad *ret) {
        WireReader r;
        MsgLoad m = {};
        int k;

        wire_reader_init(&r, body);
        m.revision = wire_get_u64(&r);
        m.resend_keys = get_bool(&r);
        m.signer_is_empty = get_bool(&r);
        m.dry_run = get_bool(&r);
        m.quiet = get_bool(&r);
        m.realtime = wire_get_u64(&r);
        m.previous_realtime = wire_get_u64(&r);
        for (size_t i = 0; i < ROLE_STORES; i++)
                m.fetched_realtime[i] = wire_get_u64(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_load_encode(Buf *record, const MsgLoad *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_LOAD);
        wire_put_u64(&w, m->revision);
        wire_put_u8(&w, m->resend_keys);
        wire_put_u8(&w, m->signer_is_empty);
        wire_put_u8(&w, m->dry_run);
        wire_put_u8(&w, m->quiet);
        wire_put_u64(&w, m->realtime);
        wire_put_u64(&w, m->previous_realtime);
        for (size_t i = 0; i < ROLE_STORES; i++)
                wire_put_u64(&w, m->fetched_realtime[i]);

        return wire_writer_end(&w);
}

int msg_generation_decode(Span body, MsgGeneration *ret) {
        WireReader r;
        MsgGeneration m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 0, PROTO_NAME_MAX);
        m.last = wire_get_u64(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_generation_encode(Buf *record, const MsgGeneration *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_GENERATION);
        wire_put_text(&w, m->profile);
        wire_put_u64(&w, m->last);

        return wire_writer_end(&w);
}

int msg_crl_decode(Span body, MsgCrl *ret) {
        WireReader r;
        MsgCrl m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.last = get_bool(&r);
        m.part = wire_get_vector(&r, 4, 0, PROTO_RECORD_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_crl_encode(Buf *record, const MsgCrl *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_CRL);
        wire_put_text(&w, m->profile);
        wire_put_u8(&w, m->last);
        wire_put_vector(&w, 4, m->part);

        return wire_writer_end(&w);
}

int msg_watch_decode(Span body, MsgWatch *ret) {
        WireReader r;
        MsgWatch m = {};
        int k;

        wire_reader_init(&r, body);
        m.folder = wire_get_text(&r, 1, PROTO_TEXT_MAX);
        m.name = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        wire_reader_check(&r, m.folder.size > 0 && m.folder.data[0] == '/');

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_watch_encode(Buf *record, const MsgWatch *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_WATCH);
        wire_put_text(&w, m->folder);
        wire_put_text(&w, m->name);

        return wire_writer_end(&w);
}

int msg_fetcher_decode(Span body, MsgFetcher *ret) {
        WireReader r;
        MsgFetcher m = {};
        int k;

        wire_reader_init(&r, body);
        m.store = wire_get_u8(&r);
        m.program = get_bool(&r);
        m.whole = get_bool(&r);
        wire_reader_check(&r, m.store < ROLE_STORES);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_fetcher_encode(Buf *record, const MsgFetcher *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_FETCHER);
        wire_put_u8(&w, m->store);
        wire_put_u8(&w, m->program);
        wire_put_u8(&w, m->whole);

        return wire_writer_end(&w);
}

int msg_retry_decode(Span body, MsgRetry *ret) {
        WireReader r;
        MsgRetry m = {};
        int k;

        wire_reader_init(&r, body);
        m.after_sec = wire_get_u32(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_retry_encode(Buf *record, const MsgRetry *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_RETRY);
        wire_put_u32(&w, m->after_sec);

        return wire_writer_end(&w);
}

int msg_refresh_decode(Span body, MsgRefresh *ret) {
        WireReader r;
        MsgRefresh m = {};
        int k;

        wire_reader_init(&r, body);
        m.within_sec = wire_get_u32(&r);
        wire_reader_check(&r, m.within_sec > 0);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_refresh_encode(Buf *record, const MsgRefresh *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_REFRESH);
        wire_put_u32(&w, m->within_sec);

        return wire_writer_end(&w);
}

int msg_ready_decode(Span body, MsgReady *ret) {
        WireReader r;
        MsgReady m = {};
        int k;

        wire_reader_init(&r, body);
        m.text = wire_get_text(&r, 0, PROTO_TEXT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_ready_encode(Buf *record, const MsgReady *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_READY);
        wire_put_text(&w, m->text);

        return wire_writer_end(&w);
}

int msg_idle_decode(Span body, MsgIdle *ret) {
        WireReader r;
        MsgIdle m = {};
        int k;

        wire_reader_init(&r, body);
        m.n_callers = wire_get_u64(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_idle_encode(Buf *record, const MsgIdle *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_IDLE);
        wire_put_u64(&w, m->n_callers);

        return wire_writer_end(&w);
}
