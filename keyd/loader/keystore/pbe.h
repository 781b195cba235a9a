#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Password-based encryption of PKCS #5 (PBES1, PBES2) and PKCS #12: parsed and bounded first, then undone */

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/keystore/pbe-kdf.h"

/* What a decoder of the plain text would allocate for: see ber_measure(). */
#define PBE_ELEMENTS_MAX 300000U

enum {
        _PBE_E_SUCCESS,
        PBE_E_FAILURE,  /* the failure is filled */
        PBE_E_PASSWORD, /* no form of the password makes sense of it */
};

typedef struct Pbe {
        const ASN1_OBJECT *oid;      /* borrowed */
        const X509_ALGOR *algorithm; /* borrowed */
        EVP_CIPHER *cipher;
        PBE2PARAM *pbes2; /* NULL: PBES1 or PKCS #12 */
        PbeKdf kdf;       /* PBES2 */
        bool is_pkcs12;   /* the password goes in as BMPString */
        uint64_t cost;    /* of one attempt, in the unit of pbe_kdf_cost() */
} Pbe;

void pbe_done(Pbe *p);

/*
 * Decodes @a, which comes from the file and must outlive *ret. Spends no work.
 *
 * Return: 0; PBE_E_FAILURE (VERDICT_FORMAT, _LIMIT, _UNSUPPORTED; without a path); -errno
 */
int pbe_parse(const X509_ALGOR *a, Pbe *ret, LoadFailure *ret_failure) _must_check_;

/*
 * Tries the forms of @password (NULL: none) until the plain text starts with a whole SEQUENCE; something may follow it.
 * Each attempt is taken from *budget; what does not fit is refused (VERDICT_LIMIT).
 *
 * Return: 0, PBE_E_FAILURE, PBE_E_PASSWORD, -errno
 */
int pbe_decrypt(const Pbe *p, const Secret *password, BerBytes in, uint64_t *budget, Secret **ret, LoadFailure *ret_failure) _must_check_;
