/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/supervisor/supervisor.h"

#include <signal.h>

#include "common/daemon.h"
#include "common/log.h"
#include "keyd/supervisor/spawn.h"
#include "keyd/supervisor/supervisor-internal.h"

#define TIMER_ACCURACY_USEC (10 * USEC_PER_MSEC)

void supervisor_parameters_init(SupervisorParameters *ret) {
        *ret = (SupervisorParameters) {
                .listen_fd = -1,
                .admin_fd = -1,
                .crash_burst = 5,
                .crash_interval_usec = 10 * USEC_PER_SEC,
                .load_deadline_usec = 30 * USEC_PER_SEC,
                .slow_usec = USEC_PER_SEC,
                .profile_usec = 5 * USEC_PER_SEC,
                .patience_usec = 30 * USEC_PER_SEC,
                .role_deadline_usec = 15 * USEC_PER_SEC,
                .debounce_usec = 300 * USEC_PER_MSEC,
                .debounce_max_usec = 3 * USEC_PER_SEC,
                .refresh_usec = 10 * USEC_PER_MINUTE,
                .retry_usec = 5 * USEC_PER_SEC,
                .admin_idle_usec = 60 * USEC_PER_SEC,
        };
}

void supervisor_announce(Supervisor *s) {
        const SnapshotCounts *n = &s->counts;

        if (s->snapshot)
                daemon_notify_ready("%u connections, %u profiles, %u unavailable", n->n_connections, n->n_profiles, n->n_unavailable);
        else
                daemon_notify_ready("nothing could be loaded yet; see the journal");
        s->announced = true;
}

void supervisor_fail(Supervisor *s, int error) {
        ignore_result(sd_event_exit(s->loop, error), "it fails only when the loop has ended");
}

int supervisor_add_timer(Supervisor *s, sd_event_time_handler_t handler, void *userdata, sd_event_source **ret) {
        int r;

        r = sd_event_add_time(s->loop, ret, CLOCK_MONOTONIC, 0, TIMER_ACCURACY_USEC, handler, userdata);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(*ret, SD_EVENT_OFF);
}

void supervisor_arm(sd_event_source *timer, uint64_t after_usec) {
        int r;

        r = sd_event_source_set_time(timer, deadline_after(after_usec));
        if (r >= 0)
                r = sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
        ASSERT(r >= 0);
}

static int on_refresh(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
        load_request(userdata, LOAD_REFRESH, false);
        return 0;
}

static int on_hangup(sd_event_source *source _unused_, const struct signalfd_siginfo *info _unused_, void *userdata) {
        load_request(userdata, LOAD_CHANGE, false);
        return 0;
}

static int block_signals(void) {
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD);

        return sigprocmask(SIG_BLOCK, &mask, NULL) < 0 ? -errno : 0;
}

static int prepare(Supervisor *s) {
        int r;

        r = block_signals();
        if (r >= 0)
                r = sd_event_new(&s->loop);
        if (r >= 0)
                r = daemon_prepare_loop(s->loop);
        if (r >= 0)
                r = sd_event_add_signal(s->loop, NULL, SIGHUP, on_hangup, s);
        if (r >= 0)
                r = supervisor_add_timer(s, on_refresh, s, &s->refresh_source);
        if (r >= 0)
                r = supervisor_add_timer(s, on_refresh, s, &s->retry_source);
        if (r >= 0)
                r = linger_start(s);
        if (r >= 0)
                r = watch_start(s);
        if (r >= 0)
                r = callers_start(s);
        if (r >= 0)
                r = admin_start(s);
        if (r >= 0)
                r = idle_start(s);
        if (r >= 0)
                r = spawn_pair(s->verdicts);

        return r < 0 ? log_errno(r, "Cannot prepare the supervisor") : 0;
}

static int start_children(Supervisor *s) {
        for (size_t i = 0; i < _CHILD_MAX; i++) {
                int r = child_start(s, (ChildId) i);

                if (r < 0)
                        return log_errno(r, "Cannot start the %s", child_name((ChildId) i));
        }
        return 0;
}

static void supervisor_done(Supervisor *s) {
        load_stop(s);
        linger_stop(s);
        quarantine_done(s);
        child_stop_all(s);
        admin_stop(s);
        watch_done(s);
        sd_event_source_disable_unref(s->accept_source);
        sd_event_source_disable_unref(s->idle_source);
        sd_event_source_disable_unref(s->refresh_source);
        sd_event_source_disable_unref(s->retry_source);
        sd_event_source_disable_unref(s->debounce_source);
        sd_event_unref(s->loop);
        record_list_unref(s->snapshot);
        generations_done(&s->generations);
        close_fdp(&s->verdicts[0]);
        close_fdp(&s->verdicts[1]);
        close_fdp(&s->keys[0]);
        close_fdp(&s->keys[1]);
}

int supervisor_run(const SupervisorParameters *p) {
        _cleanup_(supervisor_done) Supervisor s = {.p = p, .verdicts = {-1, -1}, .keys = {-1, -1}};
        int r;

        r = prepare(&s);
        if (r < 0)
                return r;
        r = start_children(&s);
        if (r < 0)
                return r;
        load_request(&s, LOAD_AT_START, false);

        r = sd_event_loop(s.loop);
        daemon_notify_stopping();
        return r;
}
