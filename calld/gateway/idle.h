#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The end when no caller has been connected for IdleExit= */

#include <systemd/sd-event.h>

#include "calld/gateway/shared.h"

typedef struct Idle Idle;

/* Before: the workers run. Calls @on_idle once, in @loop. Return: 0 or -errno */
int idle_new(sd_event *loop, Shared *shared, void (*on_idle)(void *userdata), void *userdata, Idle **ret) _must_check_;
Idle *idle_free(Idle *i);
