#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Refusals as a table: a genuine transcript, one edit, and what the check must say; a program that includes this is one such table */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "keyd/verifier/extension.h"
#include "keyd/verifier/transcript.h"
#include "tests/unit/keyd/verifier/world.h"

typedef struct Refusal {
        RefusalCode code;
        const char *says; /* a part of the sentence; NULL: accepted all the same */
        void (*edit)(Draft *d);
        bool retry;       /* begin with a handshake that has a HelloRetryRequest */
        bool as_recorded; /* do not sign again after the edit */
} Refusal;

/*
 * Runs the table over a P-256 server and a P-256 client. The server signs each edited transcript again, so nothing but the rule can refuse it. The
 * unedited one, signed again too, must be accepted.
 */
void refusals_run(uint16_t version, const Refusal *table, size_t n);

/* Shorthands for edits */

static inline DraftMessage *client_hello(Draft *d) {
        return draft_find(d, HANDSHAKE_CLIENT_HELLO, 0);
}

static inline DraftMessage *second_hello(Draft *d) {
        return draft_find(d, HANDSHAKE_CLIENT_HELLO, 1);
}

/* The last one: not a HelloRetryRequest */
static inline DraftMessage *server_hello(Draft *d) {
        return draft_find(d, HANDSHAKE_SERVER_HELLO, d->messages[2].type == HANDSHAKE_CLIENT_HELLO ? 1 : 0);
}

static inline void set(DraftMessage *m, size_t offset, uint8_t value) {
        draft_replace(m, offset, 1, span_make(&value, 1));
}

/* A byte behind the message's last field */
static inline void append_byte(DraftMessage *m) {
        draft_replace(m, m->body.size, 0, SPAN_LITERAL("\x00"));
}

/* A byte behind the last entry of a list of certificates, within the list; its three-byte length is at @offset. */
static inline void append_to_list(DraftMessage *m, size_t offset) {
        append_byte(m);
        set(m, offset + 2, (uint8_t) (m->body.data[offset + 2] + 1));
        if (m->body.data[offset + 2] == 0)
                set(m, offset + 1, (uint8_t) (m->body.data[offset + 1] + 1));
}

#define BYTES(s) SPAN_LITERAL(s)
