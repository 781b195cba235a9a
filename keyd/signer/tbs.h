#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The bytes that are signed: built here, whatever the verifier says */

#include "common/msg-verdict.h"

#define TBS_TLS13_MAX (64 + 33 + 1 + 48)

typedef struct Tbs {
        Span bytes; /* borrowed: from below, or from the verdict */
        uint8_t tls13[TBS_TLS13_MAX];
} Tbs;

/*
 * @m comes from the verifier. *ret must not be copied and ends with @m.
 *
 * Return: 0; 1 when that is not what a TLS client signs, with *ret_code and a static *ret_sentence
 */
int tbs_build(const MsgVerdict *m, Tbs *ret, RefusalCode *ret_code, const char **ret_sentence) _must_check_;
