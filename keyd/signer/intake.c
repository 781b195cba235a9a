/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/signer/intake.h"

#include "common/log.h"
#include "common/msg-hello.h"

enum {
        INTAKE_E_MALFORMED = INTAKE_E_TAKEN + 1,
};

/* Return: 0, INTAKE_E_*, -errno */
typedef int (*Handler)(Table *t, const Secret *record, uint64_t now, MsgKeysTaken *ret_taken);

static Span body_of(const Secret *record) {
        Span s = key_handover_public(record);

        return span_make(s.data + 1, s.size - 1);
}

/* A record that says a thing twice, or one too many, is as bad as a malformed one. */
static int add_result(int r) {
        return r > 0 ? INTAKE_E_MALFORMED : r;
}

static int on_begin(Table *t, const Secret *record, uint64_t now _unused_, MsgKeysTaken *ret_taken _unused_) {
        MsgKeysBegin m;

        if (msg_keys_begin_decode(body_of(record), &m) != 0)
                return INTAKE_E_MALFORMED;

        table_begin(t, m.batch);
        return 0;
}

/* A key that cannot be used is left out: its grant is then refused, and the others work. */
static int on_key(Table *t, const Secret *record, uint64_t now _unused_, MsgKeysTaken *ret_taken _unused_) {
        _cleanup_(key_handover_done) KeyHandover h = {};
        _cleanup_(signing_key_freep) SigningKey *k = NULL;
        const char *reason = NULL;
        int r;

        r = key_handover_parse(record, &h);
        if (r != 0)
                return r < 0 ? r : INTAKE_E_MALFORMED;

        r = signing_key_new(&h, &k, &reason);
        if (r == SIGNING_KEY_E_UNUSABLE) {
                log_message(PRIORITY_ERROR, "The key of %s, generation %llu, is not taken: %s", h.profile, (unsigned long long) h.generation, reason);
                return 0;
        }
        if (r < 0)
                return r;

        return add_result(table_add_key(t, TAKE_PTR(k)));
}

static int on_grant(Table *t, const Secret *record, uint64_t now _unused_, MsgKeysTaken *ret_taken _unused_) {
        MsgGrant m;

        if (msg_grant_decode(body_of(record), &m) != 0)
                return INTAKE_E_MALFORMED;

        return add_result(table_add_grant(t, &m));
}

static int on_binding(Table *t, const Secret *record, uint64_t now _unused_, MsgKeysTaken *ret_taken _unused_) {
        MsgBinding m;

        if (msg_binding_decode(body_of(record), &m) != 0)
                return INTAKE_E_MALFORMED;

        return add_result(table_add_binding(t, &m));
}

static int on_end(Table *t, const Secret *record, uint64_t now, MsgKeysTaken *ret_taken) {
        if (msg_empty_decode(body_of(record)) != 0)
                return INTAKE_E_MALFORMED;

        *ret_taken = (MsgKeysTaken) {.batch = t->batch_id, .n_missing = table_take(t, now)};
        return INTAKE_E_TAKEN;
}

typedef struct IntakeRow {
        bool in_batch; /* taken between KEYS_BEGIN and KEYS_END only */
        size_t size_max;
        Handler handle;
} IntakeRow;

/* clang-format off */
static const IntakeRow rows[] = {
        /*                   in batch  size max          handler */
        [ROLE_KEYS_BEGIN] = {false,    9,                on_begin},
        [ROLE_KEY]        = {true,     PROTO_RECORD_MAX, on_key},
        [ROLE_GRANT]      = {true,     4096,             on_grant},
        [ROLE_BINDING]    = {true,     1024,             on_binding},
        [ROLE_KEYS_END]   = {true,     1,                on_end},
};
/* clang-format on */

static int void_batch(Table *t, unsigned type, const char *reason) {
        log_message(PRIORITY_ERROR, "A record of type 0x%02x on the keys channel %s: nothing of this load is taken", type, reason);
        table_abandon(t);
        return 0;
}

void intake_violation(Table *t) {
        void_batch(t, 0, "is too long, or has a descriptor");
}

int intake_record(Table *t, const Secret *record, uint64_t now, MsgKeysTaken *ret_taken) {
        const IntakeRow *row;
        unsigned type;
        int r;

        ASSERT(secret_size(record) > 0);

        type = secret_data(record)[0];
        row = type < ARRAY_SIZE(rows) && rows[type].handle ? &rows[type] : NULL;
        if (!row)
                return void_batch(t, type, "is not known");
        if (row->in_batch && !t->batch_open)
                return void_batch(t, type, "is out of turn");
        if (secret_size(record) > row->size_max)
                return void_batch(t, type, "is too long");

        r = row->handle(t, record, now, ret_taken);
        if (r == INTAKE_E_MALFORMED)
                return void_batch(t, type, "is malformed");
        if (r < 0)
                return void_batch(t, type, "finds no memory");

        return r;
}
