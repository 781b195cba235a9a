/* SPDX-License-Identifier: Apache-2.0 */

/* The admin socket: RELOAD and STATUS, for root (and our own user: tests, and who can read the keys anyway) */

#include "common/msg-admin.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"
#include "common/peer.h"
#include "keyd/supervisor/supervisor-internal.h"

#define ACCEPTS_PER_INTERVAL 50U
#define ACCEPT_INTERVAL_USEC (100 * USEC_PER_MSEC)

static void client_done(AdminClient *a) {
        a->idle_source = sd_event_source_disable_unref(a->idle_source);
        a->channel = channel_free(a->channel);
        a->state = ADMIN_STATE_IDLE;
}

static void send_to(AdminClient *a, Span record) {
        int r = channel_n_queued(a->channel) < ADMIN_QUEUED_MAX ? channel_send(a->channel, record) : -ENOBUFS;

        if (r < 0) {
                log_errno(r, "Cannot answer on the admin socket");
                client_done(a);
        }
}

/* requests */

static int take_reload(AdminClient *a, Span body) {
        MsgAdminReload m;

        if (msg_admin_reload_decode(body, &m) != 0)
                return CHAN_E_VIOLATION;

        a->state = ADMIN_STATE_WAITING;
        a->dry_run = m.dry_run;
        load_request(a->supervisor, LOAD_CHANGE, m.dry_run);
        return 0;
}

static int take_status(AdminClient *a, Span body) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const Supervisor *s = a->supervisor;
        MsgAdminStatus m = {
                .revision = s->revision,
                .n_connections = s->counts.n_connections,
                .n_profiles = s->counts.n_profiles,
                .n_unavailable = s->counts.n_unavailable,
                .n_loads = s->n_loads,
                .n_failed_loads = s->n_failed_loads,
        };

        if (msg_empty_decode(body) != 0)
                return CHAN_E_VIOLATION;

        for (size_t i = 0; i < _CHILD_MAX; i++) {
                const Child *c = &s->children[i];

                m.roles[m.n_roles++] = (AdminRole) {
                        .name = span_from_string(child_name(c->id)),
                        .pid = (uint32_t) c->pid,
                        .ready = c->ready,
                        .n_restarts = c->n_restarts,
                        .text = span_from_string(c->text),
                };
        }

        ASSERT(msg_admin_status_encode(&record, &m) == 0);
        send_to(a, buf_span(&record));
        return 0;
}

typedef struct RequestRow {
        uint8_t type;
        int (*take)(AdminClient *a, Span body);
} RequestRow;

/* All that can be asked, each of it of an idle client only. */
static const RequestRow requests[] = {
        {ADMIN_RELOAD, take_reload},
        {ADMIN_STATUS, take_status},
};

static int take(AdminClient *a, Span record) {
        uint8_t type;
        Span body;

        if (msg_split(record, &type, &body) != 0 || a->state != ADMIN_STATE_IDLE)
                return CHAN_E_VIOLATION;

        for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
                if (requests[i].type == type)
                        return requests[i].take(a, body);

        return CHAN_E_VIOLATION;
}

static int on_record(Channel *c _unused_, Span record, void *userdata) {
        AdminClient *a = userdata;
        int r;

        supervisor_arm(a->idle_source, a->supervisor->p->admin_idle_usec);
        r = take(a, record);
        if (r != 0) {
                log_message(PRIORITY_WARNING, "A client of the admin socket said what it must not; its connection is closed");
                client_done(a);
        }

        return a->channel ? 0 : 1;
}

static void on_end(Channel *c _unused_, int reason _unused_, void *userdata) {
        client_done(userdata);
}

static const ChannelHandlers handlers = {.on_record = on_record, .on_end = on_end};

/* Waiting for a load is no idleness: a load has its own deadline. */
static int on_idle(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        AdminClient *a = userdata;

        if (a->state == ADMIN_STATE_IDLE)
                client_done(a);
        else
                supervisor_arm(a->idle_source, a->supervisor->p->admin_idle_usec);
        return 0;
}

/* loads */

void admin_load_begun(Supervisor *s, bool dry_run) {
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                if (s->admins[i].channel && s->admins[i].state == ADMIN_STATE_WAITING && s->admins[i].dry_run == dry_run)
                        s->admins[i].state = ADMIN_STATE_SERVED;
}

static bool is_served(const AdminClient *a, bool dry_run) {
        return a->channel && a->state == ADMIN_STATE_SERVED && a->dry_run == dry_run;
}

void admin_load_report(Supervisor *s, bool dry_run, Span record) {
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                if (is_served(&s->admins[i], dry_run))
                        send_to(&s->admins[i], record);
}

void admin_load_ended(Supervisor *s, bool dry_run, uint32_t n_failed) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReloaded m = {.n_failed = n_failed};

        ASSERT(msg_admin_reloaded_encode(&record, &m) == 0);
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                if (is_served(&s->admins[i], dry_run)) {
                        s->admins[i].state = ADMIN_STATE_IDLE;
                        send_to(&s->admins[i], buf_span(&record));
                }
}

/* connections */

static bool may_ask(int fd) {
        LogRecord rec;
        Peer peer;
        int r;

        r = peer_get(fd, &peer);
        if (r < 0) {
                log_errno(r, "Cannot tell who is at the admin socket");
                return false;
        }
        if (peer.uid == 0 || peer.uid == geteuid())
                return true;

        log_record_init(&rec, PRIORITY_WARNING, EVENT_CALLER_DENIED);
        log_record_add(&rec, "MIDTLS_CALLER_UID", "%u", peer.uid);
        log_record_add(&rec, "MIDTLS_CALLER_GID", "%u", peer.gid);
        log_record_add(&rec, "MIDTLS_CALLER_PID", "%d", (int) peer.pid);
        if (peer.context[0])
                log_record_add(&rec, "MIDTLS_CALLER_CONTEXT", "%s", peer.context);
        log_record_send(&rec, "Refused uid %u at the admin socket: it is for root", peer.uid);
        return false;
}

static AdminClient *free_slot(Supervisor *s) {
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                if (!s->admins[i].channel)
                        return &s->admins[i];

        return NULL;
}

static int on_connection(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        Supervisor *s = userdata;
        _cleanup_fd_ int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        AdminClient *a = free_slot(s);
        int r;

        /* Without a free slot it is closed: idle ones give theirs back in time. */
        if (client < 0 || !may_ask(client) || !a)
                return 0;

        *a = (AdminClient) {.supervisor = s};
        r = channel_new(s->loop, &client, &handlers, a, &a->channel);
        if (r >= 0)
                r = supervisor_add_timer(s, on_idle, a, &a->idle_source);
        if (r < 0) {
                log_errno(r, "Cannot serve a client of the admin socket");
                client_done(a);
                return 0;
        }

        supervisor_arm(a->idle_source, s->p->admin_idle_usec);
        return 0;
}

int admin_start(Supervisor *s) {
        int r;

        if (s->p->admin_fd < 0)
                return 0;

        r = sd_event_add_io(s->loop, &s->admin_source, s->p->admin_fd, EPOLLIN, on_connection, s);
        if (r < 0)
                return r;

        return sd_event_source_set_ratelimit(s->admin_source, ACCEPT_INTERVAL_USEC, ACCEPTS_PER_INTERVAL);
}

void admin_stop(Supervisor *s) {
        s->admin_source = sd_event_source_disable_unref(s->admin_source);
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                client_done(&s->admins[i]);
}
