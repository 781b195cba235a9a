/* SPDX-License-Identifier: Apache-2.0 */

/* What becomes of a profile */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "keyd/loader/decide.h"

#define NOW 1000000000
#define DAY 86400

static const uint8_t old_chain[] = {0, 0, 3, 'o', 'l', 'd', 0, 0, 2, 'c', 'a'};
static uint8_t old_leaf[] = "old", new_leaf[] = "new", issuer[] = "ca";

/* Not of the heap: nothing here is freed. */
typedef struct Case {
        Certificate chain[2];
        LoadedKey key;
        CaSet ca;
        ProfileResult r;
        MsgLoad load;
} Case;

static void make_case(Case *c, uint8_t *leaf, bool has_previous) {
        *c = (Case) {
                .chain = {{leaf, 3}, {issuer, 2}},
                .key = {.n_chain = 2, .not_before = NOW - DAY, .not_after = NOW + DAY},
                .load = {.realtime = NOW},
        };
        c->key.chain = c->chain;
        c->r.key = &c->key;
        c->r.last_generation = 9;
        c->r.ca = &c->ca;
        c->r.has_previous = has_previous;
        if (has_previous)
                c->r.previous = (MsgProfile) {
                        .generation = 4,
                        .not_before = NOW - 2 * DAY,
                        .not_after = NOW + 2 * DAY,
                        .chain = span_make(old_chain, sizeof(old_chain)),
                };
}

static void fail_key(Case *c) {
        c->r.key = NULL;
        c->r.key_failed = true;
        c->r.failure = (LoadFailure) {.verdict = VERDICT_MISMATCH, .detail = "no\ncertificate fits", .hint = "wait"};
}

static void decide(Case *c, bool signer_is_empty) {
        c->load.signer_is_empty = signer_is_empty;
        c->load.resend_keys = c->load.resend_keys || signer_is_empty;
        decide_profile(&c->r, &c->load);
}

static void assert_result(const Case *c, AdminWhat what, uint64_t generation, ProtoState state, bool send_key) {
        assert_int_equal(c->r.what, what);
        assert_int_equal(c->r.generation, generation);
        assert_int_equal(c->r.state, state);
        assert_int_equal(c->r.send_key, send_key);
}

static void test_first(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, false);
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_READY, true);
        assert_string_equal(c.r.reason, "");
}

static void test_changed(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_READY, true);
}

static void test_unchanged(void **state _unused_) {
        Case c;

        make_case(&c, old_leaf, true);
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_UNCHANGED, 4, PROTO_STATE_READY, false);

        make_case(&c, old_leaf, true);
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_UNCHANGED, 4, PROTO_STATE_READY, true);
}

/* The whole chain counts: calld shows it. */
static void test_chain_changed(void **state _unused_) {
        Case c;

        make_case(&c, old_leaf, true);
        c.key.n_chain = 1;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_READY, true);
}

static void test_failed(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, false);
        fail_key(&c);
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
        assert_string_equal(c.r.reason, "no?certificate fits");
        assert_string_equal(c.r.hint, "wait");
}

static void test_kept(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_READY, false);
        assert_true(c.r.keeps_key);
        assert_string_equal(c.r.reason, "the last reload failed: no?certificate fits");
}

/* Whoever is read soon is told as it was, be that good or bad. */
static void test_put_off(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.put_off = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_UNCHANGED, 4, PROTO_STATE_READY, false);
        assert_true(c.r.keeps_key);
        assert_string_equal(c.r.reason, "");
        assert_string_equal(c.r.hint, "");

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.put_off = true;
        c.r.previous.reason = SPAN_LITERAL("the last reload failed: as before");
        c.r.previous.hint = SPAN_LITERAL("do it");
        decide(&c, false);
        assert_string_equal(c.r.reason, "the last reload failed: as before");
        assert_string_equal(c.r.hint, "do it");

        /* Without a key there is nothing to tell but why. */
        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.put_off = true;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
        assert_string_equal(c.r.reason, "no?certificate fits");
}

/* Its day has come meanwhile: that it had not is no reason any more. */
static void test_put_off_and_valid_now(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.put_off = true;
        c.r.previous.state = PROTO_STATE_NOT_YET_VALID;
        c.r.previous.reason = SPAN_LITERAL("not yet valid");
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_UNCHANGED, 4, PROTO_STATE_READY, false);
        assert_string_equal(c.r.reason, "");
}

/* What was without a key before has none to keep. */
static void test_nothing_to_keep(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.previous.generation = 0;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
}

/* The signer has not got it. */
static void test_not_kept_with_empty_signer(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
}

/* After a load that failed nobody knows what the signer has; what it had before it still has. */
static void test_signer_in_doubt(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.load.resend_keys = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_READY, false);

        make_case(&c, old_leaf, true);
        c.load.resend_keys = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_UNCHANGED, 4, PROTO_STATE_READY, true);

        make_case(&c, new_leaf, true);
        c.key.not_before = NOW + DAY;
        c.load.resend_keys = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_READY, false);
}

static void test_kept_and_expired(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        fail_key(&c);
        c.r.previous.not_after = NOW - 1;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_EXPIRED, false);
        assert_string_equal(c.r.reason, "the client certificate expired on 2001-09-09 01:46 UTC");
}

static void test_ca_kept(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        c.r.ca = NULL;
        c.r.ca_failed = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 10, PROTO_STATE_READY, true);
        assert_true(c.r.keeps_ca && !c.r.keeps_key);

        make_case(&c, new_leaf, false);
        c.r.ca = NULL;
        c.r.ca_failed = true;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
}

/* Revocation lists that were never there are not "kept": that would be to do without. */
static void test_crls(void **state _unused_) {
        Case c;

        make_case(&c, old_leaf, true);
        c.r.crls_failed = c.r.had_crls = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_READY, false);
        assert_true(c.r.keeps_crls);

        make_case(&c, old_leaf, true);
        c.r.crls_failed = true;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_FAILED, 0, PROTO_STATE_UNAVAILABLE, false);
}

static void test_dates(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, false);
        c.key.not_after = NOW - 1;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_EXPIRED, true);

        make_case(&c, new_leaf, false);
        c.key.not_before = NOW + 1;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_NOT_YET_VALID, true);

        make_case(&c, new_leaf, false);
        c.key.not_before = c.key.not_after = NOW;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_READY, true);
}

static void test_untimely(void **state _unused_) {
        Case c;

        make_case(&c, new_leaf, true);
        c.key.not_before = NOW + DAY;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_KEPT_OLD, 4, PROTO_STATE_READY, false);
        assert_string_equal(c.r.reason, "the last reload failed: the client certificate is not valid before 2001-09-10 01:46 UTC");

        /* Better than one that is expired as well, and than none. */
        make_case(&c, new_leaf, true);
        c.key.not_before = NOW + DAY;
        c.r.previous.not_after = NOW - 1;
        decide(&c, false);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_NOT_YET_VALID, true);

        make_case(&c, new_leaf, true);
        c.key.not_before = NOW + DAY;
        decide(&c, true);
        assert_result(&c, ADMIN_WHAT_LOADED, 10, PROTO_STATE_NOT_YET_VALID, true);
}

static void test_expiry_stage(void **state _unused_) {
        static const struct {
                int64_t left;
                unsigned stage;
        } rows[] = {{31 * DAY, 0}, {30 * DAY, 0}, {30 * DAY - 1, 1}, {14 * DAY, 1}, {14 * DAY - 1, 2}, {7 * DAY - 1, 3}, {DAY - 1, 4},
                    {0, 4},        {-1, 5}};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                assert_int_equal(decide_expiry_stage(NOW + rows[i].left, NOW), rows[i].stage);
}

static void test_copy_text(void **state _unused_) {
        char text[6];

        decide_copy_text(text, sizeof(text), "a\n\tb\x7f\xc3");
        assert_string_equal(text, "a?\tb?");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_first),           cmocka_unit_test(test_changed),
                cmocka_unit_test(test_unchanged),       cmocka_unit_test(test_chain_changed),
                cmocka_unit_test(test_failed),          cmocka_unit_test(test_kept),
                cmocka_unit_test(test_put_off),         cmocka_unit_test(test_put_off_and_valid_now),
                cmocka_unit_test(test_nothing_to_keep), cmocka_unit_test(test_not_kept_with_empty_signer),
                cmocka_unit_test(test_signer_in_doubt), cmocka_unit_test(test_kept_and_expired),
                cmocka_unit_test(test_ca_kept),         cmocka_unit_test(test_crls),
                cmocka_unit_test(test_dates),           cmocka_unit_test(test_untimely),
                cmocka_unit_test(test_expiry_stage),    cmocka_unit_test(test_copy_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
