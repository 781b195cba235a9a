/* SPDX-License-Identifier: Apache-2.0 */

/* SafeContents, bag by bag (RFC 7292, section 4.2) */

#include "keyd/loader/keystore/pkcs12-internal.h"

#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/password-forms.h"
#include "keyd/loader/keystore/pbe.h"

typedef int (*TakeBag)(Pkcs12Walk *w, SafeBag *bag, unsigned depth);

static int malformed(Pkcs12Walk *w, const char *what) {
        ERR_clear_error();
        return load_failure(w->failure, VERDICT_FORMAT, PKCS12_HINT_DAMAGED, "%s is malformed", what);
}

static int too_many(Pkcs12Walk *w, const char *what, unsigned limit) {
        return load_failure(w->failure, VERDICT_LIMIT, "put the one key and its chain into a store of their own", "the store has more than %u %s",
                            limit, what);
}

/* The first value of the attribute @nid, when it is of the ASN.1 type @type; else NULL (CVE-2026-22795). */
static const ASN1_STRING *get_attribute(const SafeBag *bag, int nid, int type) {
        int i = bag->attributes ? X509at_get_attr_by_NID(bag->attributes, nid, -1) : -1;
        const ASN1_TYPE *value;

        if (i < 0)
                return NULL;
        value = X509_ATTRIBUTE_get0_type(X509at_get_attr(bag->attributes, i), 0);
        ERR_clear_error();
        return value && value->type == type ? value->value.asn1_string : NULL;
}

/*
 * UTF-16BE to UTF-8 by our own code: PKCS12_get_friendlyname() writes before its buffer (CVE-2025-69419). A half of a
 * surrogate pair that stands alone becomes U+FFFD, as in Java.
 */
static size_t bmp_to_utf8(const uint8_t *in, size_t size, uint8_t *ret, bool *ret_has_nul) {
        size_t n = 0;

        *ret_has_nul = false;
        for (size_t i = 0; i + 1 < size; i += 2) {
                uint32_t c = (uint32_t) in[i] << 8 | in[i + 1];

                if (c >= 0xd800 && c <= 0xdbff && i + 3 < size && (in[i + 2] & 0xfc) == 0xdc) {
                        c = 0x10000 + ((c & 0x3ff) << 10) + (((uint32_t) in[i + 2] & 3) << 8 | in[i + 3]);
                        i += 2;
                } else if (c >= 0xd800 && c <= 0xdfff)
                        c = 0xfffd;
                *ret_has_nul = *ret_has_nul || c == 0;
                n += utf8_put(c, ret + n);
        }
        ret[n] = 0;
        return n;
}

/* As Java does, so that what keytool lists can be configured. */
static int name_by_number(Pkcs12Walk *w, KeystoreEntry *e) {
        char text[16];

        snprintf(text, sizeof(text), "%u", ++w->n_unnamed);
        e->alias = strdup(text);
        return e->alias ? 0 : -ENOMEM;
}

static int take_name(Pkcs12Walk *w, const SafeBag *bag, KeystoreEntry *e) {
        const ASN1_STRING *name = get_attribute(bag, NID_friendlyName, V_ASN1_BMPSTRING);
        size_t size = name ? (size_t) ASN1_STRING_length(name) : 0;

        if (size == 0)
                return name_by_number(w, e);
        if (size > 2UL * KEYSTORE_ALIAS_MAX)
                return load_failure(w->failure, VERDICT_LIMIT, "give the entry a shorter alias", "a friendlyName has more than %u characters",
                                    KEYSTORE_ALIAS_MAX);

        /* Two bytes become three at most. */
        e->alias = malloc(size / 2 * 3 + 1);
        if (!e->alias)
                return -ENOMEM;
        if (bmp_to_utf8(ASN1_STRING_get0_data(name), size, (uint8_t *) e->alias, &e->alias_has_nul) > KEYSTORE_ALIAS_MAX)
                return load_failure(w->failure, VERDICT_LIMIT, "give the entry a shorter alias", "a friendlyName has more than %u bytes",
                                    KEYSTORE_ALIAS_MAX);
        return 0;
}

static int take_any_key(Pkcs12Walk *w, SafeBag *bag, KeystoreEntry **ret) {
        const ASN1_STRING *id = get_attribute(bag, NID_localKeyID, V_ASN1_OCTET_STRING);
        KeystoreEntry *e;
        int r;

        if (bag->value->type != V_ASN1_SEQUENCE)
                return malformed(w, "a key bag");
        r = keystore_add_entry(w->store, &e);
        if (r == -E2BIG)
                return too_many(w, "keys", KEYSTORE_ENTRIES_MAX);
        if (r < 0)
                return r;

        e->recover = keystore_recover_pkcs8;
        if (id && (size_t) ASN1_STRING_length(id) <= sizeof(e->local_key_id)) {
                e->n_local_key_id = (size_t) ASN1_STRING_length(id);
                memcpy(e->local_key_id, ASN1_STRING_get0_data(id), e->n_local_key_id);
        }
        r = take_name(w, bag, e);
        if (r != 0)
                return r;

        *ret = e;
        return secret_new_from(ASN1_STRING_get0_data(bag->value->value.sequence), (size_t) ASN1_STRING_length(bag->value->value.sequence), &e->key);
}

static int take_shrouded_key(Pkcs12Walk *w, SafeBag *bag, unsigned depth _unused_) {
        KeystoreEntry *e;

        return take_any_key(w, bag, &e);
}

static int take_key(Pkcs12Walk *w, SafeBag *bag, unsigned depth _unused_) {
        KeystoreEntry *e = NULL;
        int r;

        r = take_any_key(w, bag, &e);
        if (bag->value->type == V_ASN1_SEQUENCE)
                OPENSSL_cleanse((void *) ASN1_STRING_get0_data(bag->value->value.sequence), (size_t) ASN1_STRING_length(bag->value->value.sequence));
        if (r != 0)
                return r;

        return keystore_warn(w->store, "the private key of entry \"%s\" lies in the store unencrypted; Java would not see it", e->alias);
}

static int take_certificate(Pkcs12Walk *w, SafeBag *bag, unsigned depth _unused_) {
        const ASN1_STRING *id = get_attribute(bag, NID_localKeyID, V_ASN1_OCTET_STRING);
        _cleanup_(CertBag_freep) CertBag *b = NULL;
        _cleanup_(X509_freep) X509 *x = NULL;
        const uint8_t *p;

        if (bag->value->type != V_ASN1_SEQUENCE)
                return malformed(w, "a certificate bag");
        p = ASN1_STRING_get0_data(bag->value->value.sequence);
        b = d2i_CertBag(NULL, &p, ASN1_STRING_length(bag->value->value.sequence));
        if (!b)
                return malformed(w, "a certificate bag");
        if (OBJ_obj2nid(b->id) != NID_x509Certificate)
                return 0;

        if (b->value->type == V_ASN1_OCTET_STRING)
                x = ossl_parse_certificate(ASN1_STRING_get0_data(b->value->value.octet_string),
                                           (size_t) ASN1_STRING_length(b->value->value.octet_string));
        if (!x)
                return malformed(w, "a certificate");
        if (id && X509_keyid_set1(x, ASN1_STRING_get0_data(id), ASN1_STRING_length(id)) != 1)
                return -ENOMEM;

        if (!w->store->certificates)
                w->store->certificates = sk_X509_new_null();
        if (sk_X509_num(w->store->certificates) >= (int) KEYSTORE_CERTIFICATES_MAX)
                return too_many(w, "certificates", KEYSTORE_CERTIFICATES_MAX);
        if (sk_X509_push(w->store->certificates, x) <= 0)
                return -ENOMEM;
        TAKE_PTR(x);
        return 0;
}

static int take_secret(Pkcs12Walk *w, SafeBag *bag _unused_, unsigned depth _unused_) {
        w->store->n_secret_entries++;
        return 0;
}

static int take_nested(Pkcs12Walk *w, SafeBag *bag, unsigned depth) {
        const ASN1_STRING *s = bag->value->value.sequence;

        if (bag->value->type != V_ASN1_SEQUENCE)
                return malformed(w, "a nested safe");
        if (depth >= PKCS12_DEPTH_MAX)
                return load_failure(w->failure, VERDICT_LIMIT, "write the store anew with openssl or keytool: neither nests safes",
                                    "safes are nested deeper than %u", PKCS12_DEPTH_MAX);

        return pkcs12_take_contents(w, (BerBytes) {.data = ASN1_STRING_get0_data(s), .size = (size_t) ASN1_STRING_length(s)}, depth + 1);
}

/* Bags of other types (CRLs, those of later standards) are passed over. */
static const struct {
        int nid;
        TakeBag take;
} bags[] = {
        {NID_keyBag, take_key},       {NID_pkcs8ShroudedKeyBag, take_shrouded_key}, {NID_certBag, take_certificate},
        {NID_secretBag, take_secret}, {NID_safeContentsBag, take_nested},
};

static int take_bag(Pkcs12Walk *w, SafeBag *bag, unsigned depth) {
        int nid = OBJ_obj2nid(bag->id);

        for (size_t i = 0; i < ARRAY_SIZE(bags); i++)
                if (bags[i].nid == nid)
                        return bags[i].take(w, bag, depth);

        return 0;
}

int pkcs12_take_contents(Pkcs12Walk *w, BerBytes contents, unsigned depth) {
        _cleanup_(safe_contents_freep) SafeContents *safe = NULL;
        const uint8_t *p = contents.data;
        int r;

        r = ber_check(contents, PBE_ELEMENTS_MAX);
        if (r == BER_E_LIMIT)
                return too_many(w, "elements", PBE_ELEMENTS_MAX);
        if (r == 0)
                safe = (SafeContents *) ASN1_item_d2i(NULL, &p, (long) contents.size, ASN1_ITEM_rptr(SafeContents));
        if (!safe)
                return malformed(w, "SafeContents");

        for (int i = 0; i < sk_SafeBag_num(safe); i++) {
                r = take_bag(w, sk_SafeBag_value(safe, i), depth);
                if (r != 0)
                        return r;
        }
        return 0;
}
