#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The control channel: callers and snapshots from the supervisor
 *
 * A snapshot that is malformed, out of turn or beyond the limits is dropped as a whole, and the former one stays.
 */

#include "keyd/verifier/verifier.h"

enum {
        _CONTROL_E_SUCCESS,
        CONTROL_E_CLOSED, /* the supervisor has gone */
};

/* One record, when there is one. What is wrong with it is logged here. Return: 0, CONTROL_E_CLOSED, -errno */
int control_read(Verifier *v) _must_check_;

/* The parts of it, for tests. @fd is taken (and -1 afterwards); -1: none came with the record. */
void control_record(Verifier *v, Span record, int *fd);

/* Tells the supervisor when no connection is left of those that it has handed over. */
void control_tell_idle(Verifier *v);
