#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Policy: what a snapshot says about which handshake may be signed
 *
 * Built record by record from what the supervisor sends, then unchanged until the next one replaces it as a whole. A profile's former client
 * certificates are kept for ROLE_OLD_GENERATION_USEC: handshakes under way end on them.
 */

#include "common/role.h"
#include "keyd/verifier/check.h"

typedef struct Policy Policy;

enum {
        _POLICY_E_SUCCESS,
        POLICY_E_MALFORMED, /* the snapshot as a whole is not taken */
};

/* Return: 0 or -ENOMEM */
int policy_new(Policy **ret) _must_check_;
Policy *policy_free(Policy *p);
DEFINE_CLEANUP(Policy *, policy_free)

/*
 * @record is a whole record, type byte included. What cannot be used of its content (a certificate, a CRL) is logged and makes the profile
 * refuse.
 *
 * Return: 0, POLICY_E_MALFORMED, -errno
 */
int policy_add_certificates(Policy *p, Span record) _must_check_;
int policy_add_crl(Policy *p, Span record) _must_check_;
int policy_add_profile(Policy *p, Span record) _must_check_;
int policy_add_connection(Policy *p, Span record) _must_check_;

/* After the last record; takes over what is still of use of @last (may be NULL). Return: 0, POLICY_E_MALFORMED (something unfinished), -ENOMEM */
int policy_finish(Policy *p, const Policy *last, uint64_t now) _must_check_;

/* What holds for one alias and generation; borrowed from the policy. */
typedef struct PolicyDecision {
        RefusalCode code;
        const char *sentence;                       /* static; when refused */
        Span profile;                               /* empty when not known */
        char destination[ROLE_DESTINATION_MAX + 1]; /* "" when not known */
        CheckPolicy check;                          /* when not refused */
} PolicyDecision;

/*
 * @alias and @generation come from calld. @p may be NULL: nothing was loaded yet. @realtime: seconds since 1970.
 *
 * Return: 0; 1 when refused
 */
int policy_decide(const Policy *p, Span alias, uint64_t generation, uint64_t now, int64_t realtime, PolicyDecision *ret) _must_check_;
