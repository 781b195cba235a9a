#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The outline of BER (X.690): whether lengths and nesting hold, before a decoder that allocates sees the bytes
 *
 * BerBytes borrows, mostly from a Secret, and lives no longer. It is a type of its own, so that nothing that takes a Span (a message,
 * a log) takes it.
 */

#include "keyd/crypto/secret.h"

#define BER_DEPTH_MAX 32U

#define BER_INTEGER 0x02
#define BER_BIT_STRING 0x03
#define BER_OCTET_STRING 0x04
#define BER_OID 0x06
#define BER_SEQUENCE 0x30

typedef struct BerBytes {
        const uint8_t *data;
        size_t size;
} BerBytes;

/* One element's identifier and length octets. */
typedef struct BerHeader {
        uint8_t tag; /* the first identifier octet */
        bool indefinite;
        size_t header_size;
        size_t size; /* of the content; 0 when indefinite */
} BerHeader;

enum {
        _BER_E_SUCCESS,
        BER_E_MALFORMED, /* too short, a length out of bounds, nested beyond BER_DEPTH_MAX */
        BER_E_LIMIT,     /* more elements than allowed */
};

static inline BerBytes ber_from_secret(const Secret *s) {
        return (BerBytes) {.data = secret_data(s), .size = secret_size(s)};
}

/* The header at the start of @in, whose content must fit. Return: 0 or BER_E_MALFORMED */
int ber_read_header(BerBytes in, BerHeader *ret) _must_check_;

/*
 * Walks the first element of @in and all that lies in it. @elements_max bounds what a decoder would allocate for.
 * *ret_size: of the whole element; more may follow it.
 *
 * Return: 0 or BER_E_*
 */
int ber_measure(BerBytes in, size_t elements_max, size_t *ret_size) _must_check_;

/* The same, and nothing may follow. Return: 0 or BER_E_* */
int ber_check(BerBytes in, size_t elements_max) _must_check_;

/*
 * The tags of the elements in the constructed element that @in starts with, at most @max of them; *ret_first is the first one whole.
 *
 * Return: 0 or BER_E_*; *ret_n tells how many were read before that
 */
int ber_children(BerBytes in, uint8_t *ret_tags, size_t max, size_t *ret_n, BerBytes *ret_first) _must_check_;
