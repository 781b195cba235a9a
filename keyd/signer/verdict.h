#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The verdicts channel: a handshake that the verifier has checked, rechecked as far as it can be here, signed, recorded and answered
 *
 * The verifier parses what strangers send and may have been taken over: nothing it says is believed that can be known here.
 */

#include "common/msg-verdict.h"
#include "keyd/signer/replay.h"
#include "keyd/signer/table.h"

#define VERDICT_ANSWER_MAX 4096U

enum {
        _VERDICT_E_SUCCESS,
        VERDICT_E_MALFORMED, /* not a verdict: there is nobody to answer */
};

/*
 * @record comes from the verifier. @answer gets SIGNATURE or REFUSAL.
 *
 * Return: 0, VERDICT_E_MALFORMED, -ENOMEM
 */
int verdict_answer(Table *t, Replay *replay, Span record, Buf *answer) _must_check_;
