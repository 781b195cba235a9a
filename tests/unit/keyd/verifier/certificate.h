#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Handshakes in which the server shows any certificates and signs well, so that only the certificates can be refused */

#include "tests/unit/keyd/verifier/refusal.h"

/* P-256 throughout */
void certificate_world(World *w);

/* The check of a handshake in which the world's server shows @certificates, DER each */
int certificate_check(const World *w, const Span *certificates, size_t n, CheckResult *ret);

/* That the certificate was refused with a sentence that has @says in it; NULL: that it was accepted */
void certificate_assert(int r, const CheckResult *result, const char *says);

/* Both, for the world's own server certificate and intermediate */
void certificate_expect(const World *w, const char *says);
