/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/idle.h"

#include "common/log.h"

#define ACCURACY_USEC (100 * USEC_PER_MSEC)

/* Without IdleExit= a new configuration is looked at this often. */
#define LOOK_USEC (60 * USEC_PER_SEC)

struct Idle {
        Shared *shared;
        sd_event_source *timer;
        void (*on_idle)(void *userdata);
        void *userdata;
};

/* Return: when to look again; 0: now is the end */
static uint64_t next_look(const Idle *i) {
        uint64_t exit_usec = shared_idle_exit(i->shared), since = shared_quiet_since(i->shared), now = now_usec();

        if (exit_usec == 0)
                return now + LOOK_USEC;
        if (since == 0)
                return now + exit_usec;
        return now - since >= exit_usec ? 0 : since + exit_usec;
}

static int on_time(sd_event_source *source, uint64_t usec _unused_, void *userdata) {
        Idle *i = userdata;
        uint64_t next = next_look(i);
        int r;

        if (next == 0) {
                log_message(PRIORITY_INFO, "Nobody has called for %llu s: calld ends until somebody does",
                            (unsigned long long) (shared_idle_exit(i->shared) / USEC_PER_SEC));
                i->on_idle(i->userdata);
                return 0;
        }

        r = sd_event_source_set_time(source, next);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int idle_new(sd_event *loop, Shared *shared, void (*on_idle)(void *userdata), void *userdata, Idle **ret) {
        Idle *i = calloc(1, sizeof(*i));
        int r;

        if (!i)
                return -ENOMEM;

        *i = (Idle) {.shared = shared, .on_idle = on_idle, .userdata = userdata};
        r = sd_event_add_time(loop, &i->timer, CLOCK_MONOTONIC, now_usec(), ACCURACY_USEC, on_time, i);
        if (r < 0) {
                free(i);
                return r;
        }

        *ret = i;
        return 0;
}

Idle *idle_free(Idle *i) {
        if (!i)
                return NULL;

        sd_event_source_disable_unref(i->timer);
        free(i);
        return NULL;
}
