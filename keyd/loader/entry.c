/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/entry.h"

#include <string.h>

#include "common/ini.h"
#include "keyd/loader/chain.h"
#include "keyd/loader/choose.h"
#include "keyd/loader/file.h"
#include "keyd/loader/fit.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/warnings.h"

#define PASSWORD_MAX 65536U

static void der_freep(uint8_t **p) {
        OPENSSL_free(*p);
}

LoadedKey *loaded_key_free(LoadedKey *k) {
        if (!k)
                return NULL;

        EVP_PKEY_free(k->key);
        for (size_t i = 0; i < k->n_chain; i++)
                free(k->chain[i].der);
        free(k->chain);
        free(k->format);
        free(k->alias);
        strv_free(k->warnings);
        free(k);
        return NULL;
}

static int certificate_copy(X509 *x, Certificate *ret) {
        _cleanup_(der_freep) uint8_t *der = NULL;
        int size = i2d_X509(x, &der);

        if (size <= 0)
                return -ENOMEM;
        ret->der = malloc((size_t) size);
        if (!ret->der)
                return -ENOMEM;

        memcpy(ret->der, der, (size_t) size);
        ret->size = (size_t) size;
        return 0;
}

static int take_chain(const Chain *chain, LoadedKey *ret, LoadFailure *f) {
        size_t total = 0;
        int r;

        ret->chain = calloc(chain->n_items, sizeof(*ret->chain));
        if (!ret->chain)
                return -ENOMEM;

        for (size_t i = 0; i < chain->n_items; i++) {
                r = certificate_copy(chain->items[i], &ret->chain[i]);
                if (r < 0)
                        return r;
                ret->n_chain++;
                total += ret->chain[i].size;
                if (ret->chain[i].size > PROTO_CERTIFICATE_MAX || total > PROTO_CHAIN_BYTES_MAX)
                        return load_failure(f, VERDICT_LIMIT, "64 KiB a certificate and 96 KiB a chain are taken", "the certificates are too large");
        }
        return 0;
}

static int take_leaf(X509 *leaf, LoadedKey *ret, LoadFailure *f) {
        _cleanup_(der_freep) uint8_t *spki = NULL;
        int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(leaf), &spki);

        if (size <= 0)
                return -ENOMEM;
        if (!EVP_Digest(spki, (size_t) size, ret->spki_sha256, NULL, EVP_sha256(), NULL) ||
            !EVP_Digest(ret->chain[0].der, ret->chain[0].size, ret->leaf_sha256, NULL, EVP_sha256(), NULL))
                return -EIO;

        if (asn1_time_to_seconds(X509_get0_notBefore(leaf), &ret->not_before) != 0 ||
            asn1_time_to_seconds(X509_get0_notAfter(leaf), &ret->not_after) != 0)
                return load_failure(f, VERDICT_FORMAT, "have the certificate issued anew", "the dates of the certificate are malformed");
        return 0;
}

/* JKS and its kin keep a chain with each key; elsewhere all certificates lie in one heap. */
static bool has_own_chains(const Keystore *k) {
        return strcmp(k->format, "pkcs12") != 0 && strcmp(k->format, "pem") != 0;
}

static int refuse_leaf(const Keystore *k, const KeystoreEntry *e, LoadFailure *f) {
        bool bare = has_own_chains(k) && (!e->chain || sk_X509_num(e->chain) == 0);

        if (chain_count_candidates(k, e) == 0 || bare)
                return load_failure(f, VERDICT_NOCERT,
                                    "import the certificate and its chain beside the key: keytool -importcert, or openssl pkcs12 -export",
                                    "the private key has no certificate");

        return load_failure(f, VERDICT_MISMATCH, "import the certificate that was issued for this very key",
                            "none of the %zu certificates belongs to the private key", chain_count_candidates(k, e));
}

static int find_certificates(Keystore *k, const KeystoreEntry *e, LoadedKey *ret, LoadFailure *f) {
        X509 *leaf = chain_find_leaf(k, e, ret->key);
        Chain chain;
        int r;

        if (!leaf)
                return refuse_leaf(k, e, f);
        r = fit_check_pair(ret->key, leaf, f);
        if (r != 0)
                return r;

        chain_build(k, e, leaf, &chain);
        r = take_chain(&chain, ret, f);
        if (r == 0)
                r = take_leaf(leaf, ret, f);
        if (r != 0)
                return r;

        return warnings_collect(k, &chain);
}

static int take_entry(const KeyRequest *q, Keystore *k, const KeystoreEntry *e, LoadedKey **ret, LoadFailure *f) {
        _cleanup_(loaded_key_freep) LoadedKey *l = calloc(1, sizeof(*l));
        int r;

        if (!l)
                return -ENOMEM;
        r = e->recover(e, q->key_password ? q->key_password : q->store_password, &l->key, f);
        if (r == 0)
                r = fit_check_key(l->key, l->key_type, sizeof(l->key_type), f);
        if (r == 0)
                r = find_certificates(k, e, l, f);
        if (r != 0)
                return r;

        l->format = strdup(k->format);
        l->alias = e->alias ? strdup(e->alias) : NULL;
        if (!l->format || (e->alias && !l->alias))
                return -ENOMEM;
        l->warnings = TAKE_PTR(k->warnings);
        *ret = TAKE_PTR(l);
        return 0;
}

static int check_password(const Secret *s, LoadFailure *f) {
        if (s && secret_size(s) > PASSWORD_MAX)
                return load_failure(f, VERDICT_LIMIT, "64 KiB at most: is it the right file?", "a password has %zu bytes", secret_size(s));

        return 0;
}

int entry_load(const KeyRequest *q, LoadedKey **ret, char ***ret_aliases, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore store = {};
        const KeystoreEntry *e = NULL;
        int r;

        r = check_password(q->store_password, ret_failure);
        if (r == 0)
                r = check_password(q->key_password, ret_failure);
        if (r == 0)
                r = keystore_open(q->path, q->file, q->type, q->store_password, &store, ret_failure);
        if (r == 0)
                r = choose_entry(q->path, &store, q->alias, &e, ret_failure);
        if (r == 1 && ret_aliases && ret_failure->verdict == VERDICT_ALIAS && choose_list_aliases(&store, ret_aliases) < 0)
                return -ENOMEM;
        if (r != 0)
                return r;

        r = take_entry(q, &store, e, ret, ret_failure);
        return r > 0 ? keystore_failure_at(q->path, ret_failure) : r;
}
