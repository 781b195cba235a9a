#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether a call is made once more, and when: decisions only, no clock and no socket
 *
 * [Retry] of a connection permits it, the method has to be idempotent, and every wait has to end within the call's own time. The budget keeps
 * a far server that is down from being called several times as often as one that is up.
 */

#include "common/msg-connection.h"

#define RETRY_AFTER_NONE UINT64_MAX

typedef struct RetryState {
        uint32_t n_retries; /* so far */
        uint64_t elapsed_usec;
        uint64_t timeout_usec; /* of the whole call */
        uint64_t after_usec;   /* what the answer's Retry-After says, or RETRY_AFTER_NONE; from a far server */
        uint32_t random;       /* evenly distributed */
        bool is_idempotent;    /* the method */
        bool can_replay;       /* all of the body that was read is still there */
        bool is_off;           /* the caller said so */
} RetryState;

/* Return: true when the call is to be made again after *ret_delay_usec, which ends before the call's time does */
bool retry_decide(const MsgConnection *m, const RetryState *s, uint64_t *ret_delay_usec) _must_check_;

/* RFC 9110, 9.2.2 */
bool retry_method_is_idempotent(const char *method);

/* True when StatusCodes= has @status; 401 and 403 are never retried. */
bool retry_status_matches(const MsgConnection *m, unsigned status);

/* @value of a Retry-After field, from a far server; @now in seconds since 1970. Return: RETRY_AFTER_NONE when it is not understood */
uint64_t retry_after_parse(const char *value, uint64_t now);

/* At most RETRY_BUDGET_PER_MINUTE, and one more for ten calls. */
#define RETRY_BUDGET_PER_MINUTE 10U
#define RETRY_BUDGET_CALLS 10U

typedef struct RetryBudget {
        bool begun;
        unsigned tenths; /* of a retry */
        uint64_t filled_usec;
} RetryBudget;

/* A call begins. */
void retry_budget_count(RetryBudget *b, uint64_t now_usec);

/* Return: false when it is used up */
bool retry_budget_take(RetryBudget *b, uint64_t now_usec) _must_check_;
