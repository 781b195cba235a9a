/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/chain.h"

#include <openssl/x509v3.h>
#include <string.h>

/* The entry's own certificates come first. */
static X509 *candidate(const Keystore *k, const KeystoreEntry *e, size_t i) {
        size_t n = e->chain ? (size_t) sk_X509_num(e->chain) : 0;

        return i < n ? sk_X509_value(e->chain, (int) i) : sk_X509_value(k->certificates, (int) (i - n));
}

size_t chain_count_candidates(const Keystore *k, const KeystoreEntry *e) {
        return (e->chain ? (size_t) sk_X509_num(e->chain) : 0) + (k->certificates ? (size_t) sk_X509_num(k->certificates) : 0);
}

/* Signatures that are verified in one search: a store of ten thousand certificates of one name shall not cost a second each. */
#define VERIFICATIONS_MAX 16U

static bool looks_self_signed(X509 *x) {
        return X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0 && X509_self_signed(x, 0) == 1;
}

static bool is_self_signed(X509 *x) {
        return looks_self_signed(x) && X509_self_signed(x, 1) == 1;
}

static bool has_key_id(X509 *x, const KeystoreEntry *e) {
        int size = 0;
        const uint8_t *id = X509_keyid_get0(x, &size);

        return id && e->n_local_key_id > 0 && (size_t) size == e->n_local_key_id && memcmp(id, e->local_key_id, e->n_local_key_id) == 0;
}

/* A bit for each thing that speaks for @x, the weightier the higher. */
static unsigned weigh_leaf(X509 *x, const KeystoreEntry *e) {
        unsigned weight = has_key_id(x, e) ? 8 : 0;

        if (X509_cmp_current_time(X509_get0_notAfter(x)) > 0 && X509_cmp_current_time(X509_get0_notBefore(x)) < 0)
                weight |= 4;
        if (!looks_self_signed(x))
                weight |= 2;
        if (X509_check_ca(x) == 0)
                weight |= 1;
        ERR_clear_error();
        return weight;
}

static bool is_newer(const X509 *a, const X509 *b) {
        return ASN1_TIME_compare(X509_get0_notAfter(a), X509_get0_notAfter(b)) > 0;
}

X509 *chain_find_leaf(const Keystore *k, const KeystoreEntry *e, const EVP_PKEY *key) {
        unsigned best_weight = 0;
        X509 *best = NULL;

        for (size_t i = 0; i < chain_count_candidates(k, e); i++) {
                X509 *x = candidate(k, e, i);
                const EVP_PKEY *public = X509_get0_pubkey(x);
                unsigned weight;

                if (!public || EVP_PKEY_eq(public, key) != 1)
                        continue;
                weight = weigh_leaf(x, e);
                if (!best || weight > best_weight || (weight == best_weight && is_newer(x, best))) {
                        best = x;
                        best_weight = weight;
                }
        }

        ERR_clear_error();
        return best;
}

/* RFC 5280, 4.2.1.1 and 4.2.1.2. Return: 2 they fit, 1 one of them is absent, 0 they differ */
static unsigned weigh_key_identifiers(X509 *x, X509 *issuer) {
        const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(x), *subject = X509_get0_subject_key_id(issuer);

        if (!authority || !subject)
                return 1;

        return ASN1_OCTET_STRING_cmp(authority, subject) == 0 ? 2 : 0;
}

/* 0: not the issuer. Only between two of the same name and identifiers is the signature asked: it costs more than all else. */
static unsigned weigh_issuer(X509 *x, X509 *issuer, unsigned best, unsigned *n_verifications) {
        unsigned weight;

        if (x == issuer || X509_NAME_cmp(X509_get_subject_name(issuer), X509_get_issuer_name(x)) != 0)
                return 0;
        weight = 1 + 2 * weigh_key_identifiers(x, issuer);
        if (weight + 1 > best && (*n_verifications)++ < VERIFICATIONS_MAX && X509_verify(x, X509_get0_pubkey(issuer)) == 1)
                weight++;

        return weight;
}

static X509 *find_issuer(const Keystore *k, const KeystoreEntry *e, X509 *x) {
        unsigned best_weight = 0, weight, n_verifications = 0;
        X509 *best = NULL;

        for (size_t i = 0; i < chain_count_candidates(k, e); i++) {
                weight = weigh_issuer(x, candidate(k, e, i), best_weight, &n_verifications);
                if (weight > best_weight || (weight > 0 && weight == best_weight && is_newer(candidate(k, e, i), best))) {
                        best = candidate(k, e, i);
                        best_weight = weight;
                }
        }

        ERR_clear_error();
        return best;
}

static bool chain_holds(const Chain *c, const X509 *x) {
        for (size_t i = 0; i < c->n_items; i++)
                if (X509_cmp(c->items[i], x) == 0)
                        return true;

        return false;
}

static bool store_has_root(const Keystore *k, const KeystoreEntry *e) {
        for (size_t i = 0; i < chain_count_candidates(k, e); i++)
                if (looks_self_signed(candidate(k, e, i)))
                        return true;

        return false;
}

void chain_build(const Keystore *k, const KeystoreEntry *e, X509 *leaf, Chain *ret) {
        X509 *x = leaf;

        *ret = (Chain) {};
        while (x && !chain_holds(ret, x)) {
                if (is_self_signed(x)) {
                        ret->ends_at_root = true;
                        /* RFC 8446, 4.4.2: the root may be omitted, for the peer has it or will not trust it. */
                        if (ret->n_items > 0)
                                break;
                }
                if (ret->n_items == PROTO_CHAIN_MAX) {
                        ret->too_long = true;
                        break;
                }
                ret->items[ret->n_items++] = x;
                x = ret->ends_at_root ? NULL : find_issuer(k, e, x);
        }

        ret->root_unused = !ret->ends_at_root && store_has_root(k, e);
        ERR_clear_error();
}
