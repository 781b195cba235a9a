#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The signer's neighbours: loader and verifier */

#include "common/msg-grant.h"
#include "common/msg-refusal.h"
#include "common/msg-verdict.h"
#include "tests/unit/keyd/roles/credentials.h"
#include "tests/unit/keyd/roles/role-process.h"

/* the loader */

void load_begin(RoleProcess *p);
void load_key(RoleProcess *p, const char *profile, uint64_t generation, EVP_PKEY *key, X509 *leaf);
void load_grant(RoleProcess *p, const MsgGrant *m);
void load_binding(RoleProcess *p, const char *alias, const char *profile, const char *destination);
void load_send_end(RoleProcess *p);

/* KEYS_END and its answer. Return: n_missing */
uint32_t load_end(RoleProcess *p);

/* A whole load: profile "p", alias "crm" at "partner.example.com:443". */
void load_simple(RoleProcess *p, uint64_t generation, EVP_PKEY *key, X509 *leaf);

/* the verifier */

/* A verdict that "p"'s key of @generation signs; @to_sign is borrowed. Each has its own request id. */
MsgVerdict test_verdict(uint64_t generation, uint16_t tls_version, uint16_t scheme, Span to_sign);

/* A TLS 1.2 transcript, different each time. */
void test_transcript(Buf *ret);

/* A hash of @size bytes, different each time. */
Span test_hash(size_t size);

void ask(RoleProcess *p, const MsgVerdict *m);

/* Asks and returns the signature, whose size is > 0 (asserted). */
Span ask_signature(RoleProcess *p, const MsgVerdict *m);

/* Asks and returns the code of the refusal that comes (asserted). */
RefusalCode ask_refusal(RoleProcess *p, const MsgVerdict *m);
