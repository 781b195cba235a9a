#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A deadline that moves often and is reached seldom
 *
 * To move it to later, or to end it, costs no system call: the timer fires when it would have, sees that it is too early, and is set anew.
 */

#include <systemd/sd-event.h>

#include "common/def.h"

typedef struct LazyTimer {
        sd_event_source *source;
        uint64_t deadline_usec; /* CLOCK_MONOTONIC; USEC_INFINITY: none */
        uint64_t armed_usec;    /* when the source fires; not later than the deadline */
        void (*on_deadline)(void *userdata);
        void *userdata;
} LazyTimer;

/* In place; *t may be zeros before. Return: 0 or -errno, then nothing is to be freed */
int lazy_timer_init(LazyTimer *t, sd_event *loop, uint64_t accuracy_usec, void (*on_deadline)(void *userdata), void *userdata) _must_check_;

/* Takes zeros. */
void lazy_timer_done(LazyTimer *t);

/* @on_deadline is called once, at the deadline set last. USEC_INFINITY: never */
void lazy_timer_set(LazyTimer *t, uint64_t deadline_usec);
