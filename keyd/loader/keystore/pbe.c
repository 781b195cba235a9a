/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/pbe.h"

#include <limits.h>
#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/password-forms.h"

#define HINT_REWRITE "write the store anew with a current openssl or keytool: both use AES-256 today"
#define HINT_DAMAGED "the file is damaged or was made by a faulty program: get a fresh copy"

DEFINE_CLEANUP(PBEPARAM *, PBEPARAM_free)

void pbe_done(Pbe *p) {
        EVP_CIPHER_free(p->cipher);
        PBE2PARAM_free(p->pbes2);
        *p = (Pbe) {};
}

static int unsupported(LoadFailure *f, const ASN1_OBJECT *oid) {
        char name[64];

        ERR_clear_error();
        return load_failure(f, VERDICT_UNSUPPORTED, HINT_REWRITE, "encryption by %s is not supported by this OpenSSL or not at all",
                            pbe_oid_name(oid, name, sizeof(name)));
}

static int malformed(LoadFailure *f) {
        ERR_clear_error();
        return load_failure(f, VERDICT_FORMAT, HINT_DAMAGED, "the parameters of an encryption are malformed");
}

static EVP_CIPHER *fetch_cipher(int nid) {
        return nid > 0 ? EVP_CIPHER_fetch(ossl_private(), OBJ_nid2sn(nid), NULL) : NULL;
}

static int parse_pbes2(const X509_ALGOR *a, Pbe *ret, LoadFailure *f) {
        const ASN1_OBJECT *oid = NULL;
        int r;

        ret->pbes2 = pbe_unpack(a, ASN1_ITEM_rptr(PBE2PARAM));
        if (!ret->pbes2 || !ret->pbes2->keyfunc || !ret->pbes2->encryption)
                return malformed(f);
        r = pbe_kdf_parse(ret->pbes2->keyfunc, &ret->kdf, f);
        if (r != 0)
                return r;

        X509_ALGOR_get0(&oid, NULL, NULL, ret->pbes2->encryption);
        ret->cipher = fetch_cipher(OBJ_obj2nid(oid));
        if (!ret->cipher || EVP_CIPHER_get_mode(ret->cipher) != EVP_CIPH_CBC_MODE)
                return unsupported(f, oid);

        ret->cost = pbe_kdf_cost(&ret->kdf, (size_t) EVP_CIPHER_get_key_length(ret->cipher));
        return 0;
}

/* PBES1 and PKCS #12 share parameters: salt and iterations. */
static int parse_pbes1(const X509_ALGOR *a, Pbe *ret, LoadFailure *f) {
        _cleanup_(PBEPARAM_freep) PBEPARAM *p = NULL;
        _cleanup_(EVP_MD_freep) EVP_MD *md = NULL;
        uint8_t salt[KEYSTORE_SALT_MAX];
        uint64_t iterations, n_blocks = 1;
        int nid = OBJ_obj2nid(ret->oid), cipher = 0, digest = 0, r;
        size_t n_salt;

        if (!EVP_PBE_find(EVP_PBE_TYPE_OUTER, nid, &cipher, &digest, NULL) || cipher <= 0 || digest <= 0)
                return unsupported(f, ret->oid);
        p = pbe_unpack(a, ASN1_ITEM_rptr(PBEPARAM));
        if (!p)
                return malformed(f);
        r = pbe_check_salt(p->salt, salt, &n_salt, f);
        if (r == 0)
                r = pbe_check_iterations(p->iter, &iterations, f);
        if (r != 0)
                return r;

        ret->cipher = fetch_cipher(cipher);
        md = EVP_MD_fetch(ossl_private(), OBJ_nid2sn(digest), NULL);
        if (!ret->cipher || !md)
                return unsupported(f, ret->oid);

        ret->is_pkcs12 = nid >= NID_pbe_WithSHA1And128BitRC4 && nid <= NID_pbe_WithSHA1And40BitRC2_CBC;
        /* RFC 7292, B.2: key and IV are derived each on its own, a digest's size at a time. */
        if (ret->is_pkcs12)
                n_blocks = (uint64_t) ((EVP_CIPHER_get_key_length(ret->cipher) + EVP_MD_get_size(md) - 1) / EVP_MD_get_size(md)) + 1;
        ret->cost = iterations * n_blocks;
        return 0;
}

int pbe_parse(const X509_ALGOR *a, Pbe *ret, LoadFailure *ret_failure) {
        *ret = (Pbe) {.algorithm = a};
        if (!ossl_private())
                return -ENOMEM;
        if (!a)
                return malformed(ret_failure);

        X509_ALGOR_get0(&ret->oid, NULL, NULL, a);
        return OBJ_obj2nid(ret->oid) == NID_pbes2 ? parse_pbes2(a, ret, ret_failure) : parse_pbes1(a, ret, ret_failure);
}

/* Return: 0, PBE_E_FAILURE, -errno */
static int init_pbes2(const Pbe *p, const Secret *password, EVP_CIPHER_CTX *ctx, LoadFailure *f) {
        uint8_t key[PBE_KEY_MAX];
        int size, r;

        if (EVP_CipherInit_ex(ctx, p->cipher, NULL, NULL, NULL, 0) != 1 || EVP_CIPHER_asn1_to_param(ctx, p->pbes2->encryption->parameter) < 0)
                return malformed(f);
        size = EVP_CIPHER_CTX_get_key_length(ctx);
        if (size <= 0 || (size_t) size > sizeof(key) || (p->kdf.key_size != 0 && p->kdf.key_size != (size_t) size))
                return malformed(f);

        r = pbe_kdf_derive(&p->kdf, password, key, (size_t) size);
        if (r == 0 && EVP_CipherInit_ex(ctx, NULL, NULL, key, NULL, 0) != 1)
                r = 1;
        explicit_bzero(key, sizeof(key));
        return r > 0 ? unsupported(f, p->oid) : r;
}

static int init_pbes1(const Pbe *p, const Secret *password, EVP_CIPHER_CTX *ctx, LoadFailure *f) {
        const char *text = password ? (const char *) secret_data(password) : NULL;
        int size = password ? (int) secret_size(password) : 0;

        if (EVP_PBE_CipherInit_ex((ASN1_OBJECT *) p->oid, text, size, p->algorithm->parameter, ctx, 0, ossl_private(), NULL) != 1)
                return unsupported(f, p->oid);

        return 0;
}

static int attempt(const Pbe *p, const Secret *password, BerBytes in, Secret **ret, LoadFailure *f) {
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        _cleanup_(secret_freep) Secret *out = NULL;
        int r, n = 0, n_last = 0;
        size_t size;

        if (!ctx)
                return -ENOMEM;
        r = secret_new(in.size + EVP_MAX_BLOCK_LENGTH, &out);
        if (r < 0)
                return r;
        r = p->pbes2 ? init_pbes2(p, password, ctx, f) : init_pbes1(p, password, ctx, f);
        if (r != 0)
                return r;

        if (EVP_DecryptUpdate(ctx, secret_writable(out), &n, in.data, (int) in.size) != 1 ||
            EVP_DecryptFinal_ex(ctx, secret_writable(out) + n, &n_last) != 1) {
                ERR_clear_error();
                return PBE_E_PASSWORD;
        }
        secret_set_size(out, (size_t) n + (size_t) n_last);

        /* One wrong password in 256 leaves padding that looks right; none leaves a whole structure. */
        if (secret_size(out) == 0 || secret_data(out)[0] != BER_SEQUENCE)
                return PBE_E_PASSWORD;
        r = ber_measure(ber_from_secret(out), PBE_ELEMENTS_MAX, &size);
        if (r == BER_E_LIMIT)
                return load_failure(f, VERDICT_LIMIT, "keep what is needed in a store of its own", "encrypted content has too many elements");
        if (r != 0)
                return PBE_E_PASSWORD;

        *ret = TAKE_PTR(out);
        return 0;
}

int pbe_decrypt(const Pbe *p, const Secret *password, BerBytes in, uint64_t *budget, Secret **ret, LoadFailure *ret_failure) {
        _cleanup_(password_forms_done) PasswordForms forms = {};
        int r;

        if (in.size > INT_MAX / 2)
                return malformed(ret_failure);
        r = p->is_pkcs12 ? password_forms_bmp(password, &forms) : password_forms_bytes(password, &forms);
        if (r < 0)
                return r;

        r = PBE_E_PASSWORD;
        for (size_t i = 0; i < forms.n_items && r == PBE_E_PASSWORD; i++) {
                if (p->cost > *budget)
                        return load_failure(ret_failure, VERDICT_LIMIT, HINT_REWRITE, "the iteration counts add up to too much work");
                *budget -= p->cost;
                r = attempt(p, forms.items[i], in, ret, ret_failure);
        }
        return r;
}
