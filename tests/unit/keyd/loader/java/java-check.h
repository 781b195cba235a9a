#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Opening and judging in one line each */

#include <setjmp.h> /* cmocka needs these before it */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/span.h"
#include "keyd/loader/keystore/keystore.h"

/* Opens exactly these bytes. Return: VERDICT_OK with *ret filled, else the verdict; own failures abort */
Verdict check_open(KeystoreOpen open, Span store, const char *password, Keystore *ret, LoadFailure *ret_failure);

/* The verdict alone. */
Verdict check_verdict(KeystoreOpen open, Span store, const char *password);

/* Return: the verdict; *ret may be NULL */
Verdict check_recover(const Keystore *k, size_t entry, const char *password, EVP_PKEY **ret);

/* Every truncation of the first @n_bytes is refused, every one behind is accepted; each judged without a crash. */
void check_truncations(KeystoreOpen open, Span store, size_t n_bytes, const char *password);

/* Every single-bit flip is refused. */
void check_flips(KeystoreOpen open, Span store, const char *password);
