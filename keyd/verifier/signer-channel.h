#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The verdicts channel as the verifier sees it: verdicts out, signatures and refusals in, by id */

#include "keyd/verifier/verifier.h"

/* Whether a verdict waits for room in the socket. */
bool signer_channel_wants_room(const Verifier *v);

/* Sends what can be sent. */
void signer_channel_flush(Verifier *v);

/* One answer, when there is one. */
void signer_channel_read(Verifier *v);

/* Refuses what the signer has not answered in time. */
void signer_channel_expire(Verifier *v, uint64_t now);
