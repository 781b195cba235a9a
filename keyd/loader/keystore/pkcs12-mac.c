/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Integrity of a PKCS #12 file: the HMAC of RFC 7292, appendix B and section 5.1, and PBMAC1 of RFC 9579
 */

#include "keyd/loader/keystore/pkcs12-internal.h"

#include <openssl/crypto.h>
#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/password-forms.h"
#include "keyd/loader/keystore/pbe-kdf.h"

#define HINT_REWRITE "write the store anew with a current openssl or keytool"
#define MAC_KEY_ID 3 /* RFC 7292, B.3 */
#define PBMAC1_KEY_MIN 20U
#define PBMAC1_KEY_MAX 64U

struct Pkcs12Mac {
        bool is_pbmac1;
        EVP_MD *md;    /* of the HMAC */
        char name[32]; /* its name */
        PbeKdf kdf;    /* PBMAC1; for the other, salt and iterations of it */
        size_t key_size;
        const ASN1_OCTET_STRING *expected; /* borrowed */
};

DEFINE_CLEANUP(PBE2PARAM *, PBE2PARAM_free)

Pkcs12Mac *pkcs12_mac_free(Pkcs12Mac *m) {
        if (!m)
                return NULL;

        EVP_MD_free(m->md);
        free(m);
        return NULL;
}

static int fetch_digest(Pkcs12Mac *m, int nid, const ASN1_OBJECT *oid, LoadFailure *f) {
        char name[64];

        if (nid != NID_undef)
                m->md = EVP_MD_fetch(ossl_private(), OBJ_nid2sn(nid), NULL);
        ERR_clear_error();
        if (!m->md || EVP_MD_get_size(m->md) < 16)
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "the integrity check uses %s, which this OpenSSL has not",
                                    pbe_oid_name(oid, name, sizeof(name)));

        snprintf(m->name, sizeof(m->name), "%s", OBJ_nid2sn(nid));
        return 0;
}

static int parse_pbmac1(Pkcs12Mac *m, const X509_ALGOR *a, LoadFailure *f) {
        /* PBMAC1-params have the shape of PBES2-params: two algorithms (RFC 8018, A.5). */
        _cleanup_(PBE2PARAM_freep) PBE2PARAM *p = pbe_unpack(a, ASN1_ITEM_rptr(PBE2PARAM));
        const ASN1_OBJECT *oid = NULL;
        int nid = NID_undef, r;

        if (!p)
                return load_failure(f, VERDICT_FORMAT, PKCS12_HINT_DAMAGED, "PBMAC1-params are malformed");
        m->is_pbmac1 = true;
        r = pbe_kdf_parse(p->keyfunc, &m->kdf, f);
        if (r != 0)
                return r;
        /* RFC 9879, section 5, and CVE-2025-11187, CVE-2026-34181: a short key is forged by trying, a long one overflows readers. */
        if (m->kdf.key_size < PBMAC1_KEY_MIN || m->kdf.key_size > PBMAC1_KEY_MAX)
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "PBMAC1 with a key of %zu bytes is not taken (20 to 64)", m->kdf.key_size);

        X509_ALGOR_get0(&oid, NULL, NULL, p->encryption);
        if (!EVP_PBE_find(EVP_PBE_TYPE_PRF, OBJ_obj2nid(oid), NULL, &nid, NULL))
                nid = NID_undef;
        m->key_size = m->kdf.key_size;
        return fetch_digest(m, nid, oid, f);
}

static int parse_hmac(Pkcs12Mac *m, const MacData *d, const ASN1_OBJECT *oid, LoadFailure *f) {
        int r;

        m->kdf.iterations = 1;
        r = pbe_check_salt(d->salt, m->kdf.salt, &m->kdf.n_salt, f);
        if (r == 0 && d->iterations)
                r = pbe_check_iterations(d->iterations, &m->kdf.iterations, f);
        if (r == 0)
                r = fetch_digest(m, OBJ_obj2nid(oid), oid, f);
        if (r != 0)
                return r;

        m->key_size = (size_t) EVP_MD_get_size(m->md);
        m->kdf.digest_size = m->key_size;
        return 0;
}

int pkcs12_mac_parse(const MacData *d, Pkcs12Mac **ret, LoadFailure *ret_failure) {
        _cleanup_(pkcs12_mac_freep) Pkcs12Mac *m = calloc(1, sizeof(*m));
        const X509_ALGOR *algorithm = NULL;
        const ASN1_OBJECT *oid = NULL;
        int r;

        if (!m || !ossl_private())
                return -ENOMEM;

        X509_SIG_get0(d->digest, &algorithm, &m->expected);
        X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
        r = OBJ_obj2nid(oid) == NID_pbmac1 ? parse_pbmac1(m, algorithm, ret_failure) : parse_hmac(m, d, oid, ret_failure);
        if (r != 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

uint64_t pkcs12_mac_cost(const Pkcs12Mac *m) {
        return pbe_kdf_cost(&m->kdf, m->key_size);
}

static int derive(const Pkcs12Mac *m, const Secret *password, uint8_t *key) {
        const char *text = password ? (const char *) secret_data(password) : NULL;
        int size = password ? (int) secret_size(password) : 0;

        if (m->is_pbmac1)
                return pbe_kdf_derive(&m->kdf, password, key, m->key_size);
        if (PKCS12_key_gen_utf8_ex(text, size, (uint8_t *) m->kdf.salt, (int) m->kdf.n_salt, MAC_KEY_ID, (int) m->kdf.iterations, (int) m->key_size,
                                   key, m->md, ossl_private(), NULL) != 1)
                return 1;

        return 0;
}

static int attempt(const Pkcs12Mac *m, const Secret *password, BerBytes content, LoadFailure *f) {
        uint8_t key[EVP_MAX_MD_SIZE], mac[EVP_MAX_MD_SIZE];
        size_t size = 0;
        int r;

        r = derive(m, password, key);
        if (r < 0)
                return r;
        if (r == 0 && !EVP_Q_mac(ossl_private(), "HMAC", NULL, m->name, NULL, key, m->key_size, content.data, content.size, mac, sizeof(mac), &size))
                r = 1;
        explicit_bzero(key, sizeof(key));
        if (r != 0) {
                ERR_clear_error();
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "this OpenSSL cannot compute the integrity check (%s)", m->name);
        }

        /* All of it: the file does not choose how many bytes are compared. */
        if ((size_t) ASN1_STRING_length(m->expected) != size || CRYPTO_memcmp(ASN1_STRING_get0_data(m->expected), mac, size) != 0)
                return PKCS12_E_MAC;

        return 0;
}

int pkcs12_mac_verify(const Pkcs12Mac *m, const Secret *password, BerBytes content, uint64_t *budget, LoadFailure *ret_failure) {
        _cleanup_(password_forms_done) PasswordForms forms = {};
        int r;

        r = m->is_pbmac1 ? password_forms_bytes(password, &forms) : password_forms_bmp(password, &forms);
        if (r < 0)
                return r;

        r = PKCS12_E_MAC;
        for (size_t i = 0; i < forms.n_items && r == PKCS12_E_MAC; i++) {
                if (pkcs12_mac_cost(m) > *budget)
                        return load_failure(ret_failure, VERDICT_LIMIT, HINT_REWRITE, "the iteration counts add up to too much work");
                *budget -= pkcs12_mac_cost(m);
                r = attempt(m, forms.items[i], content, ret_failure);
        }
        return r;
}
