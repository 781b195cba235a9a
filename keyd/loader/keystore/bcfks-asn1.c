/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/bcfks-asn1.h"

#include <string.h>

/* the cursor */

static size_t get_length(JavaReader *r) {
        uint8_t first = java_get_u8(r);
        size_t n_bytes = first & 0x7f, length = 0;

        if (first < 0x80)
                return first;
        if (n_bytes > 4) {
                r->failed = true;
                return 0;
        }

        for (size_t i = 0; i < n_bytes; i++)
                length = length << 8 | java_get_u8(r);
        /* 80, which would be an indefinite length, is here a length of 0. */
        if (length < 0x80 || length >> (8 * (n_bytes - 1)) == 0)
                r->failed = true;

        return length;
}

JavaBytes der_get(JavaReader *r, DerTag tag) {
        if (java_get_u8(r) != tag)
                r->failed = true;

        return java_get_fixed(r, get_length(r));
}

JavaBytes der_get_whole(JavaReader *r, DerTag tag) {
        const uint8_t *begin = r->rest.data;
        JavaBytes content = der_get(r, tag);

        return r->failed ? content : java_bytes_make(begin, (size_t) (r->rest.data - begin));
}

JavaReader der_get_inside(JavaReader *r, DerTag tag) {
        JavaReader inside;

        java_reader_init(&inside, der_get(r, tag));
        inside.failed = r->failed;
        return inside;
}

bool der_peek(const JavaReader *r, DerTag tag) {
        return !r->failed && r->rest.size > 0 && r->rest.data[0] == tag;
}

uint64_t der_get_uint(JavaReader *r) {
        JavaBytes b = der_get(r, DER_INTEGER);
        uint64_t v = 0;

        /* X.690, 8.3.2: shortest form */
        if (b.size == 0 || b.data[0] >= 0x80 || (b.size > 1 && b.data[0] == 0 && b.data[1] < 0x80)) {
                r->failed = true;
                return 0;
        }
        if (b.size > 9 || (b.size == 9 && b.data[0] != 0))
                return UINT64_MAX;
        for (size_t i = 0; i < b.size; i++)
                v = v << 8 | b.data[i];

        return v;
}

/* the structures */

static const struct {
        BcfksOid oid;
        uint8_t size;
        uint8_t bytes[9];
} oids[] = {
        {BCFKS_OID_PBES2, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d}},           /* 1.2.840.113549.1.5.13 */
        {BCFKS_OID_PBKDF2, 9, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0c}},          /* 1.2.840.113549.1.5.12 */
        {BCFKS_OID_SCRYPT, 9, {0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b}},          /* 1.3.6.1.4.1.11591.4.11 */
        {BCFKS_OID_HMAC_SHA512, 8, {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x0b}},           /* 1.2.840.113549.2.11 */
        {BCFKS_OID_HMAC_SHA3_512, 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x10}},   /* 2.16.840.1.101.3.4.2.16 */
        {BCFKS_OID_AES256_CCM, 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2f}},      /* 2.16.840.1.101.3.4.1.47 */
        {BCFKS_OID_AES256_WRAP_PAD, 9, {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x30}}, /* 2.16.840.1.101.3.4.1.48 */
};

static BcfksOid oid_find(JavaBytes b) {
        for (size_t i = 0; i < ARRAY_SIZE(oids); i++)
                if (b.size == oids[i].size && memcmp(b.data, oids[i].bytes, b.size) == 0)
                        return oids[i].oid;

        return BCFKS_OID_UNKNOWN;
}

BcfksAlgorithm bcfks_get_algorithm(JavaReader *r) {
        BcfksAlgorithm a = {.whole = der_get_whole(r, DER_SEQUENCE)};
        JavaReader outside, inside;

        java_reader_init(&outside, a.whole);
        inside = der_get_inside(&outside, DER_SEQUENCE);
        a.oid = oid_find(der_get(&inside, DER_OID));
        a.parameters = inside.rest;
        r->failed = r->failed || inside.failed;

        return a;
}

bool bcfks_algorithm_is_bare(const BcfksAlgorithm *a) {
        return a->parameters.size == 0 || (a->parameters.size == 2 && memcmp(a->parameters.data, "\x05\x00", 2) == 0);
}

BcfksEncrypted bcfks_get_encrypted(JavaReader *r) {
        JavaReader inside = der_get_inside(r, DER_SEQUENCE);
        BcfksEncrypted e = {};

        e.algorithm = bcfks_get_algorithm(&inside);
        e.content = der_get(&inside, DER_OCTET_STRING);
        r->failed = r->failed || !der_end(&inside);

        return e;
}

/* EncryptedObjectStoreData begins with an AlgorithmIdentifier, ObjectStoreData with a number. */
static bool store_data_parse(BcfksStore *s) {
        JavaReader r, probe, inside;

        java_reader_init(&r, s->data);
        probe = r;
        inside = der_get_inside(&probe, DER_SEQUENCE);
        s->is_encrypted = der_peek(&inside, DER_SEQUENCE);
        if (!s->is_encrypted)
                return der_peek(&inside, DER_INTEGER);
        s->encrypted = bcfks_get_encrypted(&r);

        return der_end(&r);
}

static bool integrity_parse(JavaReader *r, BcfksStore *s) {
        JavaReader inside;

        s->is_signed = der_peek(r, DER_CONTEXT_0);
        if (s->is_signed) {
                der_get(r, DER_CONTEXT_0);
                return der_end(r);
        }

        inside = der_get_inside(r, DER_SEQUENCE);
        s->mac = bcfks_get_algorithm(&inside);
        s->kdf = bcfks_get_algorithm(&inside);
        s->mac_value = der_get(&inside, DER_OCTET_STRING);

        return der_end(&inside) && der_end(r);
}

bool bcfks_store_parse(JavaBytes file, BcfksStore *ret) {
        JavaReader r, store;

        *ret = (BcfksStore) {};
        java_reader_init(&r, file);
        store = der_get_inside(&r, DER_SEQUENCE);
        ret->data = der_get_whole(&store, DER_SEQUENCE);

        return der_end(&r) && !store.failed && store_data_parse(ret) && integrity_parse(&store, ret);
}

/* Two dates, which nobody needs. */
static void skip_dates(JavaReader *r) {
        der_get(r, DER_GENERALIZED_TIME);
        der_get(r, DER_GENERALIZED_TIME);
}

static void skip_comment(JavaReader *r) {
        if (der_peek(r, DER_UTF8_STRING))
                der_get(r, DER_UTF8_STRING);
}

bool bcfks_objects_parse(JavaBytes data, BcfksAlgorithm *ret_integrity, JavaReader *ret_objects) {
        JavaReader r, inside;

        java_reader_init(&r, data);
        inside = der_get_inside(&r, DER_SEQUENCE);
        der_get_uint(&inside); /* version */
        *ret_integrity = bcfks_get_algorithm(&inside);
        skip_dates(&inside);
        *ret_objects = der_get_inside(&inside, DER_SEQUENCE);
        skip_comment(&inside);

        return der_end(&r) && der_end(&inside);
}

BcfksObject bcfks_get_object(JavaReader *r) {
        JavaReader inside = der_get_inside(r, DER_SEQUENCE);
        BcfksObject o = {};

        o.type = der_get_uint(&inside);
        o.identifier = der_get(&inside, DER_UTF8_STRING);
        skip_dates(&inside);
        o.data = der_get(&inside, DER_OCTET_STRING);
        skip_comment(&inside);
        r->failed = r->failed || !der_end(&inside);

        return o;
}
