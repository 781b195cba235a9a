#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Whether the two halves of the audit trail agree: what keyd signed, and the calls for which calld says that it did
 *
 * keyd writes a `signature` record before a signature leaves it; calld ends each call with a `call` record that counts the signatures it got, and
 * those it asked for without an answer. The call's id joins them. Records may come in any order. What agrees is forgotten at once, so memory is
 * needed for what does not, and for the calls under way.
 */

#include "calld/cli/record-filter.h"

typedef enum GapKind {
        GAP_NO_CALL,      /* a signature, but no call that accounts for it */
        GAP_NO_SIGNATURE, /* a call counts more signatures than keyd recorded */
        GAP_NOT_COUNTED,  /* keyd recorded more than the call counts */
        GAP_UNSIGNED,     /* a call over a connection of its own that nobody signed for */
        GAP_DIFFERENT,    /* signature and call name another alias or destination */
        GAP_LOST,         /* a daemon could not write records */
        GAP_INVALID,      /* a record that cannot be read */
        _GAP_MAX,
} GapKind;

typedef struct Gap {
        GapKind kind;
        uint64_t usec;                       /* since 1970 */
        char *call_id, *alias, *destination; /* owned; NULL: not known */
        uint64_t n_recorded, n_counted;
} Gap;

typedef struct Reconcile Reconcile;

/* Judges what began between @since_usec and @until_usec. Return: 0 or -ENOMEM */
int reconcile_new(uint64_t since_usec, uint64_t until_usec, Reconcile **ret) _must_check_;
Reconcile *reconcile_free(Reconcile *c);
DEFINE_CLEANUP(Reconcile *, reconcile_free)

/* Return: 0 or -ENOMEM */
int reconcile_add(Reconcile *c, const json_t *record) _must_check_;
int reconcile_add_invalid(Reconcile *c) _must_check_;

/* After the last record. The gaps by time; @c keeps them. Return: 0 or -ENOMEM */
int reconcile_finish(Reconcile *c, const Gap **ret, size_t *ret_n) _must_check_;

/* "signature-without-call" and so on, and a sentence. */
const char *gap_to_string(GapKind kind);
void gap_print(const Gap *g, FILE *f, bool color);
json_t *gap_to_json(const Gap *g);
