/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-admin.h"

const char *admin_what_to_string(AdminWhat what) {
        static const char *const names[_ADMIN_WHAT_MAX] = {
                [ADMIN_WHAT_LOADED] = "loaded", [ADMIN_WHAT_UNCHANGED] = "unchanged", [ADMIN_WHAT_KEPT_OLD] = "kept-old",
                [ADMIN_WHAT_FAILED] = "failed", [ADMIN_WHAT_REMOVED] = "removed",
        };

        return what < _ADMIN_WHAT_MAX ? names[what] : "unknown";
}

static bool get_bool(WireReader *r) {
        uint8_t v = wire_get_u8(r);

        wire_reader_check(r, v <= 1);
        return v == 1;
}

int msg_admin_reload_decode(Span body, MsgAdminReload *ret) {
        WireReader r;
        MsgAdminReload m = {};
        int k;

        wire_reader_init(&r, body);
        m.dry_run = get_bool(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_admin_reload_encode(Buf *record, const MsgAdminReload *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ADMIN_RELOAD);
        wire_put_u8(&w, m->dry_run);

        return wire_writer_end(&w);
}

int msg_admin_report_decode(Span body, MsgAdminReport *ret) {
        WireReader r;
        MsgAdminReport m = {};
        int k;

        wire_reader_init(&r, body);
        m.profile = wire_get_text(&r, 0, PROTO_NAME_MAX);
        m.what = wire_get_u8(&r);
        wire_reader_check(&r, m.what < _ADMIN_WHAT_MAX);
        m.sentence = wire_get_text(&r, 0, PROTO_TEXT_MAX);
        m.hint = wire_get_text(&r, 0, PROTO_TEXT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_admin_report_encode(Buf *record, const MsgAdminReport *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ADMIN_REPORT);
        wire_put_text(&w, m->profile);
        wire_put_u8(&w, m->what);
        wire_put_text(&w, m->sentence);
        wire_put_text(&w, m->hint);

        return wire_writer_end(&w);
}

int msg_admin_reloaded_decode(Span body, MsgAdminReloaded *ret) {
        WireReader r;
        MsgAdminReloaded m = {};
        int k;

        wire_reader_init(&r, body);
        m.n_failed = wire_get_u32(&r);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_admin_reloaded_encode(Buf *record, const MsgAdminReloaded *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ADMIN_RELOADED);
        wire_put_u32(&w, m->n_failed);

        return wire_writer_end(&w);
}

static void get_roles(WireReader *r, MsgAdminStatus *m) {
        uint8_t n = wire_get_u8(r);

        wire_reader_check(r, n <= ADMIN_ROLES_MAX);
        for (size_t i = 0; i < n && !r->failed; i++) {
                AdminRole *role = &m->roles[m->n_roles++];

                role->name = wire_get_text(r, 1, PROTO_NAME_MAX);
                role->pid = wire_get_u32(r);
                role->ready = get_bool(r);
                role->n_restarts = wire_get_u32(r);
                role->text = wire_get_text(r, 0, PROTO_TEXT_MAX);
        }
}

int msg_admin_status_decode(Span body, MsgAdminStatus *ret) {
        WireReader r;
        MsgAdminStatus m = {};
        int k;

        wire_reader_init(&r, body);
        m.revision = wire_get_u64(&r);
        m.n_connections = wire_get_u32(&r);
        m.n_profiles = wire_get_u32(&r);
        m.n_unavailable = wire_get_u32(&r);
        m.n_loads = wire_get_u32(&r);
        m.n_failed_loads = wire_get_u32(&r);
        get_roles(&r, &m);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_admin_status_encode(Buf *record, const MsgAdminStatus *m) {
        WireWriter w;

        ASSERT(m->n_roles <= ADMIN_ROLES_MAX);

        wire_writer_init(&w, record);
        wire_put_u8(&w, ADMIN_STATUS_ANSWER);
        wire_put_u64(&w, m->revision);
        wire_put_u32(&w, m->n_connections);
        wire_put_u32(&w, m->n_profiles);
        wire_put_u32(&w, m->n_unavailable);
        wire_put_u32(&w, m->n_loads);
        wire_put_u32(&w, m->n_failed_loads);
        wire_put_u8(&w, (uint8_t) m->n_roles);
        for (size_t i = 0; i < m->n_roles; i++) {
                wire_put_text(&w, m->roles[i].name);
                wire_put_u32(&w, m->roles[i].pid);
                wire_put_u8(&w, m->roles[i].ready);
                wire_put_u32(&w, m->roles[i].n_restarts);
                wire_put_text(&w, m->roles[i].text);
        }

        return wire_writer_end(&w);
}
