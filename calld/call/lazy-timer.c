/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/lazy-timer.h"

static void arm(LazyTimer *t) {
        t->armed_usec = t->deadline_usec;
        sd_event_source_set_time(t->source, t->deadline_usec);
        sd_event_source_set_enabled(t->source, SD_EVENT_ONESHOT);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        LazyTimer *t = userdata;

        (void) source;
        (void) usec;
        t->armed_usec = USEC_INFINITY;
        if (t->deadline_usec == USEC_INFINITY)
                return 0;
        if (now_usec() < t->deadline_usec) {
                arm(t);
                return 0;
        }

        t->deadline_usec = USEC_INFINITY;
        t->on_deadline(t->userdata);
        return 0;
}

int lazy_timer_init(LazyTimer *t, sd_event *loop, uint64_t accuracy_usec, void (*on_deadline)(void *userdata), void *userdata) {
        int r;

        *t = (LazyTimer) {.deadline_usec = USEC_INFINITY, .armed_usec = USEC_INFINITY, .on_deadline = on_deadline, .userdata = userdata};
        r = sd_event_add_time(loop, &t->source, CLOCK_MONOTONIC, 0, accuracy_usec, on_timer, t);
        if (r < 0)
                return r;
        r = sd_event_source_set_enabled(t->source, SD_EVENT_OFF);
        if (r < 0)
                lazy_timer_done(t);
        return r < 0 ? r : 0;
}

void lazy_timer_done(LazyTimer *t) {
        t->source = sd_event_source_disable_unref(t->source);
}

void lazy_timer_set(LazyTimer *t, uint64_t deadline_usec) {
        t->deadline_usec = deadline_usec;
        if (deadline_usec < t->armed_usec)
                arm(t);
}
