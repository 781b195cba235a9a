#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* What the verifier's parts know of each other; one owner, one thread */

#include "common/algorithms.h"
#include "keyd/verifier/policy.h"
#include "keyd/verifier/session.h"
#include "keyd/verifier/snapshot.h"

/* Nothing waits longer than this for a signature, whatever calld's deadline says. */
#define VERIFIER_SIGN_USEC (2 * USEC_PER_SEC)

/* A calld that does not take what it asked for, or says nothing at first, is closed. */
#define VERIFIER_IDLE_USEC (5 * USEC_PER_SEC)

typedef struct Verifier {
        Session sessions[SESSIONS_MAX];
        Policy *policy;      /* NULL until the first snapshot */
        Snapshot *snapshot;  /* what watchers are told; comes and goes with the policy */
        Policy *next_policy; /* both: the snapshot that is on its way */
        Snapshot *next_snapshot;
        ChainCache *cache;
        Algorithms *algorithms;  /* of OpenSSL */
        uint64_t last_id;        /* of verdicts */
        bool signer_gone;        /* its channel has broken */
        uint64_t n_callers;      /* connections that the supervisor has handed over */
        uint64_t n_callers_gone; /* of which it knows that they have gone */
        Buf record;              /* what was received last */
} Verifier;
