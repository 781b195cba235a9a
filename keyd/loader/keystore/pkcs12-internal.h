#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between the files that make up pkcs12_open() */

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/pkcs12-asn1.h"

#define PKCS12_DEPTH_MAX 4U
#define PKCS12_HINT_DAMAGED "the file is damaged or incomplete: get a fresh copy, and copy it in binary mode"

/* A MacData understood: nothing has been computed. */
typedef struct Pkcs12Mac Pkcs12Mac;

enum {
        _PKCS12_E_SUCCESS,
        PKCS12_E_FAILURE, /* the failure is filled */
        PKCS12_E_MAC,     /* no form of the password gives this MAC */
};

/* Return: 0; PKCS12_E_FAILURE (VERDICT_FORMAT, _LIMIT, _UNSUPPORTED; without a path); -errno */
int pkcs12_mac_parse(const MacData *m, Pkcs12Mac **ret, LoadFailure *ret_failure) _must_check_;
Pkcs12Mac *pkcs12_mac_free(Pkcs12Mac *m);
DEFINE_CLEANUP(Pkcs12Mac *, pkcs12_mac_free)

uint64_t pkcs12_mac_cost(const Pkcs12Mac *m);

/* Over @content, the octets of the AuthenticatedSafe. Takes from *budget. Return: 0, PKCS12_E_*, -errno */
int pkcs12_mac_verify(const Pkcs12Mac *m, const Secret *password, BerBytes content, uint64_t *budget, LoadFailure *ret_failure) _must_check_;

/* Where a walk through the bags puts what it finds. */
typedef struct Pkcs12Walk {
        Keystore *store;    /* borrowed */
        unsigned n_unnamed; /* keys without friendlyName, which are called "1", "2", ... as Java does */
        LoadFailure *failure;
} Pkcs12Walk;

/* Takes keys and certificates out of a SafeContents and those nested in it. Return: 0, 1 with the failure filled (without a path), -errno */
int pkcs12_take_contents(Pkcs12Walk *w, BerBytes contents, unsigned depth) _must_check_;
