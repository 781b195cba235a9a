#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between arena.c, which divides the memory, and arena-memory.c, which gets it */

#include "keyd/crypto/arena.h"

/* Return: 0 with @ret_base and *ret filled, -errno */
int arena_map(size_t size_max, void **ret_base, ArenaStatus *ret) _must_check_;
