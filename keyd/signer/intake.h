#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keys channel: what a loader may say, and when
 *
 * A record that is malformed or out of turn voids the batch: nothing of it is taken, its KEYS_END is not answered.
 */

#include "keyd/crypto/handover.h"
#include "keyd/signer/table.h"

enum {
        _INTAKE_E_SUCCESS,
        INTAKE_E_TAKEN, /* the batch has been taken: *ret_taken goes to the loader */
};

/* A record has come that cannot even be received. */
void intake_violation(Table *t);

/* One @record, as received. What is wrong with it is logged here. Return: 0, INTAKE_E_TAKEN */
int intake_record(Table *t, const Secret *record, uint64_t now, MsgKeysTaken *ret_taken) _must_check_;
