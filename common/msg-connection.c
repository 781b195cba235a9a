/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-connection.h"

static bool get_bool(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        wire_reader_check(r, v <= 1);
        return v == 1;
}

static void get_access(WireReader *r, MsgConnection *m) {
        msg_list_get(r, PROTO_TEXT_MAX, &m->allow_users);
        msg_list_get(r, PROTO_TEXT_MAX, &m->allow_groups);
        msg_list_get(r, PROTO_TEXT_MAX, &m->allow_selinux_contexts);
        msg_list_get(r, PROTO_TEXT_MAX, &m->allow_methods);
        msg_list_get(r, PROTO_TEXT_MAX, &m->allow_paths);
}

static void get_http(WireReader *r, MsgConnection *m) {
        m->connect_timeout_usec = wire_get_u64(r);
        m->timeout_usec = wire_get_u64(r);
        m->max_request_bytes = wire_get_u64(r);
        m->max_response_bytes = wire_get_u64(r);
        m->http2 = get_bool(r);
        m->session_resumption = get_bool(r);
        m->proxy = wire_get_text(r, 0, PROTO_TEXT_MAX);
        m->proxy_password = wire_get_text(r, 0, PROTO_TEXT_MAX);
        msg_list_get(r, PROTO_TEXT_MAX, &m->deny_addresses);
        msg_list_get(r, PROTO_TEXT_MAX, &m->header_names);
        msg_list_get(r, PROTO_VALUE_MAX, &m->header_values);
        wire_reader_check(r, m->header_names.n_items == m->header_values.n_items);
}

static void get_retry(WireReader *r, MsgConnection *m) {
        m->retry_strategy = wire_get_u8(r);
        wire_reader_check(r, m->retry_strategy < _RETRY_MAX);
        m->retry_interval_usec = wire_get_u64(r);
        m->retry_count = wire_get_u32(r);
        m->retry_max_elapsed_usec = wire_get_u64(r);
        msg_list_get(r, PROTO_NAME_MAX, &m->retry_status_codes);
}

int msg_connection_decode(Span body, MsgConnection *ret) {
        WireReader r;
        MsgConnection m = {};
        int k;

        wire_reader_init(&r, body);
        m.alias = wire_get_text(&r, 1, PROTO_NAME_MAX);
        m.profile = wire_get_text(&r, 0, PROTO_NAME_MAX);
        m.state = wire_get_u8(&r);
        wire_reader_check(&r, m.state < _PROTO_STATE_MAX);
        m.reason = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.host = wire_get_text(&r, 0, PROTO_HOST_MAX);
        m.port = wire_get_u16(&r);
        m.base_path = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        get_access(&r, &m);
        get_http(&r, &m);
        get_retry(&r, &m);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

static void put_access(WireWriter *w, const MsgConnection *m) {
        msg_list_put(w, &m->allow_users);
        msg_list_put(w, &m->allow_groups);
        msg_list_put(w, &m->allow_selinux_contexts);
        msg_list_put(w, &m->allow_methods);
        msg_list_put(w, &m->allow_paths);
}

static void put_http(WireWriter *w, const MsgConnection *m) {
        wire_put_u64(w, m->connect_timeout_usec);
        wire_put_u64(w, m->timeout_usec);
        wire_put_u64(w, m->max_request_bytes);
        wire_put_u64(w, m->max_response_bytes);
        wire_put_u8(w, m->http2);
        wire_put_u8(w, m->session_resumption);
        wire_put_text(w, m->proxy);
        wire_put_text(w, m->proxy_password);
        msg_list_put(w, &m->deny_addresses);
        msg_list_put(w, &m->header_names);
        msg_list_put(w, &m->header_values);
}

static void put_retry(WireWriter *w, const MsgConnection *m) {
        wire_put_u8(w, m->retry_strategy);
        wire_put_u64(w, m->retry_interval_usec);
        wire_put_u32(w, m->retry_count);
        wire_put_u64(w, m->retry_max_elapsed_usec);
        msg_list_put(w, &m->retry_status_codes);
}

int msg_connection_encode(Buf *record, const MsgConnection *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_CONNECTION);
        wire_put_text(&w, m->alias);
        wire_put_text(&w, m->profile);
        wire_put_u8(&w, m->state);
        wire_put_text(&w, m->reason);
        wire_put_text(&w, m->host);
        wire_put_u16(&w, m->port);
        wire_put_text(&w, m->base_path);
        put_access(&w, m);
        put_http(&w, m);
        put_retry(&w, m);

        return wire_writer_end(&w);
}
