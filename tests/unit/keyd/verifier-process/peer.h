#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* The verifier's neighbours: supervisor, signer, and calld */

#include <openssl/x509.h>

#include "common/msg-refusal.h"
#include "common/msg-sign.h"
#include "common/msg-verdict.h"
#include "tests/unit/keyd/roles/credentials.h"
#include "tests/unit/keyd/roles/role-process.h"

/* the supervisor */

#define TEST_RECORDS_MAX 300U

typedef struct TestSnapshot {
        Buf records[TEST_RECORDS_MAX];
        bool for_calld[TEST_RECORDS_MAX];
        size_t n;
} TestSnapshot;

void test_snapshot_done(TestSnapshot *t);
void test_snapshot_begin(TestSnapshot *t, uint64_t revision);
void test_snapshot_certificates(TestSnapshot *t, uint8_t set, X509 *const *certificates, size_t n);
void test_snapshot_crl(TestSnapshot *t, const char *profile, Span der);

/* With the CA certificates of @set, one allowed name and two pins; @leaf may be NULL. */
void test_snapshot_profile(TestSnapshot *t, const char *name, uint64_t generation, ProtoState state, uint8_t set, X509 *leaf);
void test_snapshot_connection(TestSnapshot *t, const char *alias, const char *profile, ProtoState state, const char *host, uint16_t port);
void test_snapshot_end(TestSnapshot *t);

void test_snapshot_send(const TestSnapshot *t, RoleProcess *p);

/* CA and leaf of profile "p" at @generation, alias "crm" at partner.example.com:443; sent. */
void test_snapshot_send_simple(RoleProcess *p, uint64_t revision, uint64_t generation);

/* One CA and a leaf that it signed; made once. */
X509 *test_ca(void);
EVP_PKEY *test_ca_key(void);
X509 *test_leaf(void);

/* calld */

/* A connection that the verifier was given. */
int calld_connect(RoleProcess *p);

/* The same, after HELLO and WELCOME; after WATCH too. */
int calld_hello(RoleProcess *p);
int calld_watch(RoleProcess *p);

void calld_send(int fd, MsgType type, Span body);

/* "crm", generation 1, a transcript whose fifth byte is @verb. */
MsgSign test_sign(uint64_t request_id, char verb);
void calld_sign(int fd, const MsgSign *m);

/* Waits for the answer of that type and returns it; @record holds it. */
MsgRefusal calld_refusal(int fd, Buf *record);
MsgSignature calld_signature(int fd, Buf *record);

/* Exactly the snapshot's records for calld come. */
void calld_expect_snapshot(int fd, const TestSnapshot *t);

/* the signer */

MsgVerdict signer_verdict(RoleProcess *p, Buf *record);
void signer_sign(RoleProcess *p, uint64_t id);
void signer_refuse(RoleProcess *p, uint64_t id, RefusalCode code);
