/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a file is, by its content: since Java 9 a `.jks` is PKCS #12 as often as not
 */

#include <string.h>

#include "keyd/loader/keystore/ber.h"
#include "keyd/loader/file.h"
#include "keyd/loader/keystore/keystore.h"
#include "keyd/loader/keystore/pem-block.h"

#define HINT_KNOWN "midtls reads PKCS#12, JKS, JCEKS, BCFKS and PEM"
#define HINT_IMPORT                                                                                                               \
        "keytool -importkeystore -srckeystore FILE -srcstoretype BKS -destkeystore new.p12 -deststoretype PKCS12 -providerclass " \
        "org.bouncycastle.jce.provider.BouncyCastleProvider -providerpath bcprov.jar (UBER: -srcstoretype UBER)"

/* First bytes of what is known, read or refused. */
static const struct {
        const char *bytes;
        size_t size;
        KeystoreType type; /* AUTO: refused */
        const char *what;
        const char *hint;
} magics[] = {
        {"\xfe\xed\xfe\xed", 4, KEYSTORE_TYPE_JKS, NULL, NULL},
        {"\xce\xce\xce\xce", 4, KEYSTORE_TYPE_JCEKS, NULL, NULL},
        {"\x00\x00\x00\x01", 4, KEYSTORE_TYPE_AUTO, "a BKS or UBER keystore of Bouncy Castle", HINT_IMPORT},
        {"\x00\x00\x00\x02", 4, KEYSTORE_TYPE_AUTO, "a BKS or UBER keystore of Bouncy Castle", HINT_IMPORT},
        {"openssh-key-v1", 14, KEYSTORE_TYPE_AUTO, "an OpenSSH private key", "ssh-keygen -p -m PKCS8 -f FILE makes PEM of a copy of it"},
        {"PuTTY-User-Key-File-", 20, KEYSTORE_TYPE_AUTO, "a PuTTY private key", "puttygen FILE -O private-openssh, then ssh-keygen -p -m PKCS8"},
        {"\xff\xfe", 2, KEYSTORE_TYPE_AUTO, "text in UTF-16", "save the file as plain ASCII or UTF-8 text"},
        {"\xfe\xff", 2, KEYSTORE_TYPE_AUTO, "text in UTF-16", "save the file as plain ASCII or UTF-8 text"},
        {"SQLite format 3", 15, KEYSTORE_TYPE_AUTO, "a database, maybe of NSS", "pk12util -o new.p12 -n NICKNAME -d DIRECTORY exports from NSS"},
};

static KeystoreType unknown(const char *path, LoadFailure *f) {
        load_failure(f, VERDICT_FORMAT, HINT_KNOWN, "%s is no keystore of a known format, or it is damaged", path);
        return KEYSTORE_TYPE_AUTO;
}

static KeystoreType refused(const char *path, const char *what, const char *hint, LoadFailure *f) {
        load_failure(f, VERDICT_UNSUPPORTED, hint, "%s is %s", path, what);
        return KEYSTORE_TYPE_AUTO;
}

/* DER that is neither PKCS #12 nor BCFKS, told by the tags of its members and of its first member's. */
static KeystoreType recognise_sequences(const char *path, const uint8_t *tags, size_t n, BerBytes first, LoadFailure *f) {
        uint8_t inner[2];
        BerBytes unused;
        size_t n_inner;

        if (ber_children(first, inner, ARRAY_SIZE(inner), &n_inner, &unused) != 0 || n_inner == 0 || n < 2)
                return unknown(path, f);
        if (n == 2 && inner[0] == BER_OID && tags[1] == BER_OCTET_STRING)
                return refused(path, "an encrypted private key in DER, without a certificate",
                               "openssl pkcs8 -inform DER -in FILE -out key.pem, then put key and certificates into one PEM file", f);
        if (n == 3 && tags[2] == BER_BIT_STRING)
                return refused(path, "a certificate (or request) in DER, without a key", "name the keystore that holds the private key, too", f);
        if (n == 2 && (tags[1] == BER_SEQUENCE || tags[1] == 0xa0) && (inner[0] == BER_SEQUENCE || inner[0] == BER_INTEGER))
                return KEYSTORE_TYPE_BCFKS;

        return unknown(path, f);
}

static KeystoreType recognise_der(const char *path, BerBytes in, LoadFailure *f) {
        uint8_t tags[4];
        BerBytes first;
        BerHeader version;
        size_t n;
        int r;

        r = ber_children(in, tags, ARRAY_SIZE(tags), &n, &first);
        if (n == 0)
                return unknown(path, f);
        if (tags[0] == BER_INTEGER) {
                /* RFC 7292, section 4: version v3. What a cut or damaged file was is told by the little that is there. */
                if (first.size == 0 || ber_read_header(first, &version) != 0 || version.size != 1 || first.data[version.header_size] == 3)
                        return KEYSTORE_TYPE_PKCS12;
                return refused(path, "a private key in DER, without a certificate",
                               "openssl pkey -inform DER -in FILE -out key.pem, then put key and certificates into one PEM file", f);
        }
        if (tags[0] == BER_OID)
                return refused(path, "a PKCS#7 bundle, which holds no private key", "name the keystore that holds the private key, too", f);
        if (tags[0] != BER_SEQUENCE || r != 0)
                return unknown(path, f);

        return recognise_sequences(path, tags, n, first, f);
}

KeystoreType keystore_recognise(const char *path, const Secret *file, LoadFailure *ret_failure) {
        BerBytes in = ber_from_secret(file);

        if (in.size == 0) {
                load_failure(ret_failure, VERDICT_FORMAT, "put the keystore there", "%s is empty", path);
                return KEYSTORE_TYPE_AUTO;
        }
        for (size_t i = 0; i < ARRAY_SIZE(magics); i++)
                if (in.size >= magics[i].size && memcmp(in.data, magics[i].bytes, magics[i].size) == 0)
                        return magics[i].type != KEYSTORE_TYPE_AUTO ? magics[i].type : refused(path, magics[i].what, magics[i].hint, ret_failure);

        if (pem_has_block(in))
                return KEYSTORE_TYPE_PEM;
        if (in.data[0] == BER_SEQUENCE)
                return recognise_der(path, in, ret_failure);

        return unknown(path, ret_failure);
}
