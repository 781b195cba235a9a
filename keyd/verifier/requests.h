#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What calld may ask, and when: the one table, and what is done */

#include "common/msg-refusal.h"
#include "keyd/verifier/verifier.h"

/* One @record of calld, not empty. What is against the protocol closes the session. */
void request_dispatch(Verifier *v, Session *s, Span record);

/* Records a refusal of the pending SIGN, answers it and ends the session: after a refusal calld has to connect anew. */
void request_refuse_pending(Session *s, RefusalCode code, Span sentence);

/* Answers the pending SIGN with a refusal that was recorded where it was made. */
void request_relay_refusal(Session *s, RefusalCode code, Span sentence);

void request_relay_signature(Session *s, Span signature, uint64_t busy_usec);
