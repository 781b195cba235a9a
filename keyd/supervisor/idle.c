/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The end when nobody has asked for IdleExit=
 *
 * The listening sockets are the manager's: whoever connects while this process ends waits in their backlog, and starts the next one. What was
 * accepted is the verifier's; it says when all of it has gone, so nothing that is on its way to it is forgotten.
 */

#include <poll.h>

#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "common/role.h"
#include "keyd/supervisor/supervisor-internal.h"

static bool is_idle(const Supervisor *s) {
        if (s->idle_exit_usec == 0 || s->n_callers_gone != s->n_callers || s->load || s->first_change_usec > 0)
                return false;
        for (size_t i = 0; i < ADMIN_CLIENTS_MAX; i++)
                if (s->admins[i].channel)
                        return false;

        return s->children[CHILD_VERIFIER].ready;
}

/* Somebody has connected, and is not accepted yet. */
static bool is_wanted(const Supervisor *s) {
        struct pollfd p[] = {{.fd = s->p->listen_fd, .events = POLLIN}, {.fd = s->p->admin_fd, .events = POLLIN}};

        return poll(p, ARRAY_SIZE(p), 0) != 0;
}

/* After every other event: whatever it was, it may have begun or ended the time in which nobody asks. */
static int on_post(sd_event_source *source _unused_, void *userdata) {
        Supervisor *s = userdata;

        if (!is_idle(s))
                s->idle_since_usec = 0;
        else if (s->idle_since_usec == 0) {
                s->idle_since_usec = now_usec();
                supervisor_arm(s->idle_source, s->idle_exit_usec);
        }
        return 0;
}

static int on_time(sd_event_source *source _unused_, uint64_t usec, void *userdata) {
        Supervisor *s = userdata;

        if (s->idle_since_usec == 0)
                return 0;
        if (usec < s->idle_since_usec + s->idle_exit_usec || is_wanted(s)) {
                s->idle_since_usec = 0;
                return 0;
        }

        log_message(PRIORITY_INFO, "Nobody has asked for %llu s: keyd ends until somebody does",
                    (unsigned long long) (s->idle_exit_usec / USEC_PER_SEC));
        return sd_event_exit(s->loop, 0);
}

int idle_start(Supervisor *s) {
        int r;

        r = supervisor_add_timer(s, on_time, s, &s->idle_source);
        return r < 0 ? r : sd_event_add_post(s->loop, NULL, on_post, s);
}

int idle_take(Supervisor *s, Span record) {
        uint8_t type;
        MsgIdle m;
        Span body;

        if (msg_split(record, &type, &body) != 0 || type != ROLE_IDLE || msg_idle_decode(body, &m) != 0)
                return 1;
        if (m.n_callers <= s->n_callers_gone || m.n_callers > s->n_callers)
                return 1;

        s->n_callers_gone = m.n_callers;
        return 0;
}
