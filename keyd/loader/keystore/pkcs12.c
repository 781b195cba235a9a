/* SPDX-License-Identifier: Apache-2.0 */

/*
 * PKCS #12 (RFC 7292): outline, limits, integrity, and only then the contents
 */

#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/pbe.h"
#include "keyd/loader/keystore/pkcs12-internal.h"

#define SAFES_MAX 64

#define HINT_PASSWORD "check Password=: openssl pkcs12 -in FILE -noout asks for it and tells; a fresh copy helps when the file is damaged"

typedef struct Opening {
        const Secret *password; /* borrowed, may be NULL */
        Pfx *pfx;
        Pkcs12Mac *mac; /* NULL: the file has none */
        AuthenticatedSafe *safes;
        uint64_t budget;
        Pkcs12Walk walk;
} Opening;

static void opening_done(Opening *o) {
        pkcs12_mac_free(o->mac);
        Pfx_free(o->pfx);
        if (o->safes)
                authenticated_safe_free(o->safes);
}

static int malformed(Opening *o, const char *what) {
        ERR_clear_error();
        return load_failure(o->walk.failure, VERDICT_FORMAT, PKCS12_HINT_DAMAGED, "%s", what);
}

static int wrong_password(Opening *o) {
        return load_failure(o->walk.failure, VERDICT_AUTH, HINT_PASSWORD, "%s",
                            o->password ? "the store password is wrong, or the file was altered"
                                        : "the store needs a password and none is configured, or the file was altered");
}

static BerBytes bytes_of(const ASN1_OCTET_STRING *s) {
        return (BerBytes) {.data = ASN1_STRING_get0_data(s), .size = (size_t) ASN1_STRING_length(s)};
}

static int decode_pfx(Opening *o, BerBytes file) {
        const uint8_t *p = file.data;
        PKCS7 *authsafe;
        int r;

        r = ber_check(file, PBE_ELEMENTS_MAX);
        if (r == BER_E_LIMIT)
                return load_failure(o->walk.failure, VERDICT_LIMIT, "put the one key and its chain into a store of their own",
                                    "the file has too many elements");
        if (r == 0)
                o->pfx = d2i_Pfx(NULL, &p, (long) file.size);
        if (!o->pfx)
                return malformed(o, "the file is truncated or malformed, or bytes follow its end");
        if (ASN1_INTEGER_get(o->pfx->version) != 3)
                return malformed(o, "the PFX is not of version 3");

        authsafe = o->pfx->authsafe;
        if (OBJ_obj2nid(authsafe->type) == NID_pkcs7_signed)
                return load_failure(o->walk.failure, VERDICT_UNSUPPORTED, "export with a password instead of a certificate",
                                    "the store is protected by a signature instead of a password");
        /* CVE-2024-0727: the content may be absent, says the syntax. */
        if (OBJ_obj2nid(authsafe->type) != NID_pkcs7_data || !authsafe->d.data)
                return malformed(o, "the PFX has no AuthenticatedSafe");

        return 0;
}

static int decode_safes(Opening *o) {
        BerBytes content = bytes_of(o->pfx->authsafe->d.data);
        const uint8_t *p = content.data;

        if (ber_check(content, PBE_ELEMENTS_MAX) == 0)
                o->safes = (AuthenticatedSafe *) ASN1_item_d2i(NULL, &p, (long) content.size, ASN1_ITEM_rptr(PKCS12_AUTHSAFES));
        if (!o->safes)
                return malformed(o, "the AuthenticatedSafe is malformed");
        if (sk_PKCS7_num(o->safes) > SAFES_MAX)
                return load_failure(o->walk.failure, VERDICT_LIMIT, "write the store anew with openssl or keytool: both use two safes",
                                    "the store has more than %d safes", SAFES_MAX);
        return 0;
}

/* The encrypted content of @safe; NULL when it has none (CVE-2025-69421). */
static const PKCS7_ENC_CONTENT *encrypted_content(const PKCS7 *safe) {
        const PKCS7_ENCRYPT *e = safe->d.encrypted;

        return e && e->enc_data && e->enc_data->algorithm && e->enc_data->enc_data ? e->enc_data : NULL;
}

static int plan_safe(Opening *o, const PKCS7 *safe, uint64_t *work) {
        _cleanup_(pbe_done) Pbe pbe = {};
        int r;

        switch (OBJ_obj2nid(safe->type)) {
        case NID_pkcs7_data:
                return safe->d.data ? 0 : malformed(o, "a safe has no content");
        case NID_pkcs7_encrypted:
                if (!encrypted_content(safe))
                        return malformed(o, "an encrypted safe has no content");
                r = pbe_parse(encrypted_content(safe)->algorithm, &pbe, o->walk.failure);
                *work += pbe.cost;
                return r;
        case NID_pkcs7_enveloped:
                return load_failure(o->walk.failure, VERDICT_UNSUPPORTED, "export with a password instead of a certificate",
                                    "the store is encrypted to a certificate instead of a password");
        default:
                return malformed(o, "a safe is of unknown type");
        }
}

/* Adds up what the file asks for before any of it is done: many derivations below the limit are one above it. */
static int plan(Opening *o) {
        uint64_t work = 0;
        int r;

        if (o->pfx->mac) {
                r = pkcs12_mac_parse(o->pfx->mac, &o->mac, o->walk.failure);
                if (r != 0)
                        return r;
                work = pkcs12_mac_cost(o->mac);
        }
        for (int i = 0; i < sk_PKCS7_num(o->safes); i++) {
                r = plan_safe(o, sk_PKCS7_value(o->safes, i), &work);
                if (r != 0)
                        return r;
        }
        if (work > PBE_WORK_MAX)
                return load_failure(o->walk.failure, VERDICT_LIMIT, "write the store anew with fewer iterations: openssl pkcs12 -export -iter 10000",
                                    "the iteration counts add up to too much work");
        return 0;
}

static int verify(Opening *o) {
        int r;

        if (!o->mac) {
                o->walk.store->is_unverified = true;
                return keystore_warn(o->walk.store, "the store has no MAC: nothing shows whether somebody altered it");
        }

        r = pkcs12_mac_verify(o->mac, o->password, bytes_of(o->pfx->authsafe->d.data), &o->budget, o->walk.failure);
        return r == PKCS12_E_MAC ? wrong_password(o) : r;
}

static int take_encrypted(Opening *o, const PKCS7_ENC_CONTENT *content) {
        _cleanup_(secret_freep) Secret *plain = NULL;
        _cleanup_(pbe_done) Pbe pbe = {};
        int r;

        r = pbe_parse(content->algorithm, &pbe, o->walk.failure);
        if (r == 0)
                r = pbe_decrypt(&pbe, o->password, bytes_of(content->enc_data), &o->budget, &plain, o->walk.failure);
        if (r == PBE_E_PASSWORD)
                return wrong_password(o);
        if (r != 0)
                return r;

        return pkcs12_take_contents(&o->walk, ber_from_secret(plain), 0);
}

static int take_safe(Opening *o, PKCS7 *safe) {
        int r;

        if (OBJ_obj2nid(safe->type) == NID_pkcs7_encrypted)
                return take_encrypted(o, encrypted_content(safe));

        r = pkcs12_take_contents(&o->walk, bytes_of(safe->d.data), 0);
        /* A key bag would lie here in clear. */
        OPENSSL_cleanse((void *) ASN1_STRING_get0_data(safe->d.data), (size_t) ASN1_STRING_length(safe->d.data));
        return r;
}

int pkcs12_open(const char *path, const Secret *file, const Secret *password, Keystore *ret, LoadFailure *ret_failure) {
        _cleanup_(keystore_done) Keystore store = {.format = "pkcs12"};
        _cleanup_(opening_done) Opening o = {.password = password, .budget = PBE_WORK_MAX, .walk = {.store = &store, .failure = ret_failure}};
        ASN1_OCTET_STRING *content;
        int r;

        r = decode_pfx(&o, ber_from_secret(file));
        if (r == 0)
                r = decode_safes(&o);
        if (r == 0)
                r = plan(&o);
        if (r == 0)
                r = verify(&o);
        for (int i = 0; r == 0 && i < sk_PKCS7_num(o.safes); i++)
                r = take_safe(&o, sk_PKCS7_value(o.safes, i));

        content = o.pfx && OBJ_obj2nid(o.pfx->authsafe->type) == NID_pkcs7_data ? o.pfx->authsafe->d.data : NULL;
        if (content)
                OPENSSL_cleanse((void *) ASN1_STRING_get0_data(content), (size_t) ASN1_STRING_length(content));
        if (r > 0)
                return keystore_failure_at(path, ret_failure);
        if (r < 0)
                return r;

        *ret = store;
        store = (Keystore) {};
        return 0;
}
