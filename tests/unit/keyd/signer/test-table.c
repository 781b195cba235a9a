/* SPDX-License-Identifier: Apache-2.0 */

/* What takes its time: old generations, allowances, replays. Time is ours here. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keyd/signer/replay.h"
#include "keyd/signer/scheme.h"
#include "keyd/signer/table.h"

#define START (1000 * USEC_PER_SEC)

static SigningKey *key(const char *profile, uint64_t generation) {
        SigningKey *k = calloc(1, sizeof(*k));

        ASSERT(k);
        snprintf(k->profile, sizeof(k->profile), "%s", profile);
        k->generation = generation;
        k->forget_usec = USEC_INFINITY;
        return k;
}

static void load(Table *t, uint64_t generation, uint32_t max, uint64_t now) {
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = generation, .max_signatures_per_minute = max};

        table_begin(t, 1);
        assert_int_equal(table_add_key(t, key("p", generation)), 0);
        assert_int_equal(table_add_grant(t, &grant), 0);
        assert_int_equal(table_take(t, now), 0);
}

static void test_old_generation(void **state _unused_) {
        _cleanup_(table_done) Table t = {};

        load(&t, 1, 10, START);
        assert_int_equal(table_expire(&t, START), USEC_INFINITY);
        load(&t, 2, 10, START);
        assert_int_equal(table_expire(&t, START), START + ROLE_OLD_GENERATION_USEC);
        load(&t, 3, 10, START + USEC_PER_SEC);

        /* A later load does not lengthen it. */
        assert_int_equal(table_expire(&t, START + ROLE_OLD_GENERATION_USEC - 1), START + ROLE_OLD_GENERATION_USEC);
        assert_non_null(table_find_key(&t, "p", 1));
        assert_int_equal(table_expire(&t, START + ROLE_OLD_GENERATION_USEC), START + USEC_PER_SEC + ROLE_OLD_GENERATION_USEC);
        assert_null(table_find_key(&t, "p", 1));
        assert_non_null(table_find_key(&t, "p", 2));
        assert_int_equal(table_expire(&t, START + 2 * ROLE_OLD_GENERATION_USEC), USEC_INFINITY);
        assert_null(table_find_key(&t, "p", 2));
        assert_non_null(table_find_key(&t, "p", 3));
}

/* Without a grant there is no reason to keep the key. */
static void test_grant_withdrawn(void **state _unused_) {
        _cleanup_(table_done) Table t = {};

        load(&t, 1, 10, START);
        table_begin(&t, 1);
        assert_int_equal(table_take(&t, START), 0);
        assert_null(table_find_key(&t, "p", 1));
        assert_null(table_find_grant(&t, "p"));
}

/* An administrator put an old key back: its generation is in use again. */
static void test_generation_again(void **state _unused_) {
        _cleanup_(table_done) Table t = {};

        load(&t, 1, 10, START);
        load(&t, 2, 10, START);
        load(&t, 1, 10, START);
        table_expire(&t, START + 2 * ROLE_OLD_GENERATION_USEC);
        assert_non_null(table_find_key(&t, "p", 1));
        assert_null(table_find_key(&t, "p", 2));
}

static void test_batch(void **state _unused_) {
        MsgGrant grant = {.profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = 1};
        MsgBinding binding = {.alias = SPAN_LITERAL("a"), .profile = SPAN_LITERAL("p"), .destination = SPAN_LITERAL("h:1")};
        _cleanup_(table_done) Table t = {};

        load(&t, 1, 10, START);
        table_begin(&t, 1);
        assert_int_equal(table_add_key(&t, key("p", 2)), 0);
        assert_int_equal(table_add_key(&t, key("p", 2)), TABLE_E_DUPLICATE);
        assert_int_equal(table_add_grant(&t, &grant), 0);
        assert_int_equal(table_add_grant(&t, &grant), TABLE_E_DUPLICATE);
        assert_int_equal(table_add_binding(&t, &binding), 0);
        assert_int_equal(table_add_binding(&t, &binding), TABLE_E_DUPLICATE);
        assert_null(table_find_binding(&t, SPAN_LITERAL("a")));
        table_abandon(&t);
        assert_false(t.batch_open);
        assert_non_null(table_find_key(&t, "p", 1));
        assert_null(table_find_key(&t, "p", 2));

        table_begin(&t, 1);
        for (unsigned i = 0; i < TABLE_RECORDS_MAX; i++)
                t.n_batch++;
        assert_int_equal(table_add_binding(&t, &binding), TABLE_E_FULL);
        assert_int_equal(table_add_grant(&t, &grant), TABLE_E_FULL);
        assert_int_equal(table_add_key(&t, key("p", 3)), TABLE_E_FULL);
}

static unsigned n_charges(Table *t, uint64_t now) {
        unsigned n = 0;

        while (n < 100000 && grant_charge(table_find_grant(t, "p"), now))
                n++;
        return n;
}

static void test_allowance(void **state _unused_) {
        _cleanup_(table_done) Table t = {};

        load(&t, 1, 60, START);
        assert_int_equal(n_charges(&t, START), 60);
        assert_int_equal(n_charges(&t, START), 0);
        assert_int_equal(n_charges(&t, START + USEC_PER_SEC - 1), 0);
        assert_int_equal(n_charges(&t, START + USEC_PER_SEC), 1);
        assert_int_equal(n_charges(&t, START + 11 * USEC_PER_SEC), 10);

        /* No more than a minute's worth is saved up; a load gives nothing back; a lower one holds at once. */
        assert_int_equal(n_charges(&t, START + 1000 * USEC_PER_SEC), 60);
        load(&t, 2, 60, START + 1000 * USEC_PER_SEC);
        assert_int_equal(n_charges(&t, START + 1000 * USEC_PER_SEC), 0);
        load(&t, 3, 6, START + 1000 * USEC_PER_SEC);
        assert_int_equal(n_charges(&t, START + 9000 * USEC_PER_SEC), 6);

        load(&t, 4, 0, START);
        assert_int_equal(n_charges(&t, START + 10000 * USEC_PER_SEC), 0);
}

static void test_allowance_largest(void **state _unused_) {
        _cleanup_(table_done) Table t = {};

        load(&t, 1, UINT32_MAX, START);
        assert_int_equal(n_charges(&t, START), 100000);
        assert_int_equal(n_charges(&t, START + 500 * USEC_PER_SEC), 100000);
}

static void fill(uint8_t digest[32], uint64_t n) {
        memset(digest, 0, 32);
        memcpy(digest + 24, &n, sizeof(n)); /* equal tags: the worst case */
}

static void test_replay(void **state _unused_) {
        static Replay r;
        uint8_t digest[32];

        for (uint64_t i = 0; i < REPLAY_ENTRIES; i++) {
                fill(digest, i);
                assert_true(replay_note(&r, digest, START));
        }
        for (uint64_t i = 0; i < REPLAY_ENTRIES; i += 97) {
                fill(digest, i);
                assert_false(replay_note(&r, digest, START + REPLAY_USEC));
        }

        /* the oldest makes room */
        fill(digest, REPLAY_ENTRIES);
        assert_true(replay_note(&r, digest, START + 1));
        fill(digest, 1);
        assert_false(replay_note(&r, digest, START + 1));
        fill(digest, 0);
        assert_true(replay_note(&r, digest, START + 1));

        fill(digest, 5);
        assert_true(replay_note(&r, digest, START + REPLAY_USEC + 1));
        assert_false(replay_note(&r, digest, START + REPLAY_USEC + 1));
}

/* All schemes with all kinds in both versions, against a list written by hand. */
static void test_schemes(void **state _unused_) {
        static const struct {
                uint16_t scheme;
                const char *tls13, *tls12; /* a letter for each kind: r p 2 3 5 e E */
        } rows[] = {
                {0x0401, "", "r"},    {0x0501, "", "r"},  {0x0601, "", "r"},  {0x0403, "2", "235"}, {0x0503, "3", "235"},
                {0x0603, "5", "235"}, {0x0804, "r", "r"}, {0x0805, "r", "r"}, {0x0806, "r", "r"},   {0x0807, "e", "e"},
                {0x0808, "E", "E"},   {0x0809, "p", "p"}, {0x080a, "p", "p"}, {0x080b, "p", "p"},
        };
        static const char kinds[] = "rp235eE";
        size_t n = 0;

        for (unsigned scheme = 0; scheme <= 0xffff; scheme++) {
                const char *tls13 = "", *tls12 = "";

                for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                        if (rows[i].scheme == scheme) {
                                tls13 = rows[i].tls13;
                                tls12 = rows[i].tls12;
                                n++;
                        }
                for (unsigned kind = 0; kind < _KEY_KIND_MAX; kind++) {
                        assert_int_equal(scheme_find((uint16_t) scheme, TLS_VERSION_1_3, (KeyKind) kind) != NULL, strchr(tls13, kinds[kind]) != NULL);
                        assert_int_equal(scheme_find((uint16_t) scheme, TLS_VERSION_1_2, (KeyKind) kind) != NULL, strchr(tls12, kinds[kind]) != NULL);
                }
        }
        assert_int_equal(n, ARRAY_SIZE(rows));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_old_generation), cmocka_unit_test(test_grant_withdrawn), cmocka_unit_test(test_generation_again),
                cmocka_unit_test(test_batch),          cmocka_unit_test(test_allowance),       cmocka_unit_test(test_allowance_largest),
                cmocka_unit_test(test_replay),         cmocka_unit_test(test_schemes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
