#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * KEY: the one message that holds a private key, from the loader to the signer; sent and received nowhere else
 *
 * The bytes go straight from a Secret into the socket and from the socket into a Secret: there is no Buf or Span of them.
 */

#include "common/proto.h"
#include "common/role.h"
#include "common/span.h"
#include "keyd/crypto/secret.h"

typedef struct KeyHandover {
        char profile[PROTO_NAME_MAX + 1];
        uint64_t generation;
        uint64_t not_before, not_after; /* of the leaf, seconds since 1970 */
        Secret *leaf;                   /* DER certificate (public, but it travels in the same record) */
        Secret *pkcs8;                  /* PrivateKeyInfo, DER, unencrypted */
} KeyHandover;

enum {
        _HANDOVER_E_SUCCESS,
        HANDOVER_E_CLOSED,
        HANDOVER_E_VIOLATION, /* a record that is too long, or has a descriptor; it is dropped */
};

void key_handover_done(KeyHandover *h);

/* Return: 0, -ETIMEDOUT, other -errno */
int key_handover_send(int fd, const KeyHandover *h, uint64_t deadline_usec) _must_check_;

/*
 * Parses a record that was received into a Secret: @record with its type byte.
 *
 * Return: 0 or 1 when malformed, -errno
 */
int key_handover_parse(const Secret *record, KeyHandover *ret) _must_check_;

/*
 * The bytes of a record that is no KEY and so holds nothing secret; borrowed from @record.
 *
 * Before: it is not empty and no KEY (asserted)
 */
Span key_handover_public(const Secret *record);

/*
 * Receives one record of the keys channel, of any type, into a new Secret. Does not wait.
 *
 * Return: 0, HANDOVER_E_*, -EAGAIN, -ENOMEM (the record is dropped), other -errno
 */
int key_handover_receive(int fd, Secret **ret) _must_check_;
