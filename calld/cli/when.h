#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Points in time as a person writes them */

#include "common/def.h"

/*
 * "2h" or "30min" (that long before @now), "now", "today", "yesterday", "2026-11-25", "2026-11-25 01:30[:05]" (local), "2026-11-25T01:30:05Z", "@SECONDS"
 *
 * @now_usec and *ret_usec are microseconds since 1970. Return: 0 or -EINVAL
 */
int when_parse(const char *s, uint64_t now_usec, uint64_t *ret_usec) _must_check_;

/* Local time, "2026-11-25 01:30:05". */
void when_format(uint64_t realtime_usec, char ret[32]);

/* CLOCK_REALTIME in microseconds. */
uint64_t when_now(void);
