#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a loop does at the end of a turn
 *
 * Neither libcurl nor libmicrohttpd may be called from within itself, so each leaves work for the other to the end of the callback that the
 * loop made. A deferred event source does the same at the price of a turn of the loop, with its system call, for each.
 */

#include <systemd/sd-event.h>

#include "common/def.h"

typedef struct Turn Turn; /* one for each loop */
typedef struct TurnItem TurnItem;

/* Embedded in what it is for. */
struct TurnItem {
        void (*run)(void *userdata);
        void *userdata;
        TurnItem *next;
        bool queued;
};

/* Return: 0 or -errno */
int turn_new(sd_event *loop, Turn **ret) _must_check_;
Turn *turn_free(Turn *t);
DEFINE_CLEANUP(Turn *, turn_free)

/* Runs @item once: at turn_end(), or soon from the loop where no turn is under way. */
void turn_add(Turn *t, TurnItem *item);

/* Before the item's memory goes. Nothing happens when it is not queued. */
void turn_remove(Turn *t, TurnItem *item);

/* Around what a callback of the loop does. */
void turn_begin(Turn *t);
void turn_end(Turn *t);
