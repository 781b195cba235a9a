#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The blocks of a PEM file (RFC 7468), one after the other; text between them is passed over
 *
 * Line ends are LF, CR LF or CR, the last one may be missing, and a byte order mark may stand where a file once began.
 */

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/load.h"

#define PEM_LABEL_MAX 63U

typedef struct PemReader {
        BerBytes rest;
        unsigned line; /* of the last line taken */
        unsigned n_blocks, n_blocks_max;
} PemReader;

typedef struct PemBlock {
        char label[PEM_LABEL_MAX + 1];
        unsigned line;     /* where it begins */
        bool encrypted;    /* Proc-Type: 4,ENCRYPTED (RFC 1421, 4.6.1.1) */
        char dek_info[96]; /* "AES-256-CBC,0123..."; empty: none */
        Secret *der;
} PemBlock;

enum {
        _PEM_E_SUCCESS,
        PEM_E_FAILURE, /* the failure is filled */
        PEM_E_END,     /* no further block */
};

void pem_block_done(PemBlock *b);

/* @in is borrowed; more than @n_blocks_max blocks are refused (VERDICT_LIMIT). */
void pem_reader_init(PemReader *r, BerBytes in, unsigned n_blocks_max);

/* *ret is filled on success only, and must be empty. Return: 0; PEM_E_FAILURE (VERDICT_FORMAT, _LIMIT; without a path); PEM_E_END; -errno */
int pem_reader_next(PemReader *r, PemBlock *ret, LoadFailure *ret_failure) _must_check_;

/* Whether @in is text with the beginning of a block. */
bool pem_has_block(BerBytes in);
