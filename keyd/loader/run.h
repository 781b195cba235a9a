#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* One load for the supervisor: reads what it wants, loads, hands keys to the signer and the snapshot to the supervisor */

#include "common/def.h"

/* @config_dir: see config_load(). Uses ROLE_FD_CONTROL and ROLE_FD_KEYS. Return: 0 when all was handed over, -errno (logged) */
int run_load(const char *config_dir) _must_check_;
