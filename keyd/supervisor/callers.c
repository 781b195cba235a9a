/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Connections of calld: accepted and handed to the verifier, unread
 *
 * While the verifier is not there they wait in the backlog of the listening socket; that is also the bound on how many are
 * under way to it. The supervisor's copy is closed as soon as the descriptor is sent.
 */

#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/log.h"
#include "common/role.h"
#include "keyd/supervisor/supervisor-internal.h"

#define QUEUED_MAX 32U
#define ACCEPTS_PER_INTERVAL 200U
#define ACCEPT_INTERVAL_USEC (100 * USEC_PER_MSEC)

static bool verifier_takes(const Supervisor *s) {
        const Child *c = &s->children[CHILD_VERIFIER];

        return c->ready && channel_n_queued(c->control) < QUEUED_MAX;
}

static int on_connection(sd_event_source *source _unused_, int fd, uint32_t events _unused_, void *userdata) {
        static const uint8_t record = ROLE_CALLER;
        Supervisor *s = userdata;
        Child *verifier = &s->children[CHILD_VERIFIER];
        _cleanup_fd_ int caller = -1;
        int r;

        if (!verifier_takes(s)) {
                callers_update(s);
                return 0;
        }

        caller = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (caller < 0) {
                if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
                        log_errno(-errno, "Cannot accept a connection");
                return 0;
        }

        r = channel_send_fd(verifier->control, span_make(&record, sizeof(record)), &caller);
        if (r < 0)
                log_errno(r, "Cannot hand a connection to the verifier");
        else
                s->n_callers++;
        child_watch_queue(verifier);
        callers_update(s);
        return 0;
}

int callers_start(Supervisor *s) {
        int r;

        r = sd_event_add_io(s->loop, &s->accept_source, s->p->listen_fd, EPOLLIN, on_connection, s);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(s->accept_source, SD_EVENT_OFF);
        if (r < 0)
                return r;

        /* Out of descriptors accept() fails and the connection stays: no busy loop then. */
        return sd_event_source_set_ratelimit(s->accept_source, ACCEPT_INTERVAL_USEC, ACCEPTS_PER_INTERVAL);
}

void callers_update(Supervisor *s) {
        int r = sd_event_source_set_enabled(s->accept_source, verifier_takes(s) ? SD_EVENT_ON : SD_EVENT_OFF);

        if (r < 0)
                supervisor_fail(s, log_errno(r, "Cannot switch the listening socket"));
}
