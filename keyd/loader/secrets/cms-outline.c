/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "keyd/loader/secrets/cms.h"
#include "keyd/loader/file.h"

#define ELEMENTS_MAX 4096U
#define NONCE_MAX 16U
#define AES_BLOCK 16U

#define TAG_SET 0x31
#define TAG_CONTENT 0xa0   /* [0] EXPLICIT content; originatorInfo [0] */
#define TAG_ENCRYPTED 0x80 /* encryptedContent [0] IMPLICIT OCTET STRING */

#define HINT_ANEW "make the value anew: midtls encrypt"
#define HINT_CIPHER "use AES: midtls encrypt, or openssl cms -encrypt -aes256 -binary -outform DER"

static const uint8_t enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03};
static const uint8_t auth_enveloped[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x17};

/* NIST's AES identifiers differ in the last octet only (RFC 3565, 4.1; RFC 5084, 3.2): x2 is CBC, x6 is GCM for 128, 192 and 256 bits. */
static const uint8_t aes[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01};

/* Takes the next element off *in when its tag is @tag. Definite lengths only: it is DER. */
static bool take(BerBytes *in, uint8_t tag, BerBytes *ret) {
        BerHeader h;

        if (ber_read_header(*in, &h) != 0 || h.tag != tag || h.indefinite)
                return false;

        *ret = (BerBytes) {.data = in->data + h.header_size, .size = h.size};
        in->data += h.header_size + h.size;
        in->size -= h.header_size + h.size;
        return true;
}

static bool equals(BerBytes b, const uint8_t *data, size_t size) {
        return b.size == size && memcmp(b.data, data, size) == 0;
}

/* RFC 3565, 2.3.1: an IV of a block. RFC 5084, 3.2: a nonce, then optionally the size of the tag. */
static bool parameters_fit(bool gcm, BerBytes parameters) {
        BerBytes sequence, iv;

        if (!gcm)
                return take(&parameters, BER_OCTET_STRING, &iv) && iv.size == AES_BLOCK && parameters.size == 0;

        return take(&parameters, BER_SEQUENCE, &sequence) && parameters.size == 0 && take(&sequence, BER_OCTET_STRING, &iv) && iv.size > 0 &&
               iv.size <= NONCE_MAX;
}

static int check_cipher(BerBytes algorithm, bool authenticated, LoadFailure *f) {
        uint8_t mode = authenticated ? 6 : 2;
        BerBytes id;

        if (!take(&algorithm, BER_OID, &id))
                return load_failure(f, VERDICT_FORMAT, HINT_ANEW, "the encrypted password names no cipher");
        if (id.size != sizeof(aes) + 1 || memcmp(id.data, aes, sizeof(aes)) != 0 ||
            (id.data[sizeof(aes)] != mode && id.data[sizeof(aes)] != mode + 20 && id.data[sizeof(aes)] != mode + 40))
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_CIPHER, "the encrypted password's cipher is not AES in %s mode",
                                    authenticated ? "GCM" : "CBC");
        if (!parameters_fit(authenticated, algorithm))
                return load_failure(f, VERDICT_FORMAT, HINT_ANEW, "the parameters of the encrypted password's cipher do not fit");

        return 0;
}

/* originatorInfo, which may be absent, and recipientInfos: OpenSSL's to read */
static bool take_recipients(BerBytes *data) {
        BerBytes skipped;

        return take(data, TAG_SET, &skipped) || (take(data, TAG_CONTENT, &skipped) && take(data, TAG_SET, &skipped));
}

int cms_check(BerBytes der, LoadFailure *ret_failure) {
        BerBytes info, type, content, data, skipped, encrypted, algorithm;
        bool authenticated;
        int r;

        r = ber_check(der, ELEMENTS_MAX);
        if (r == BER_E_LIMIT)
                return load_failure(ret_failure, VERDICT_LIMIT, HINT_ANEW, "the encrypted password has more than %u elements", ELEMENTS_MAX);
        /* RFC 5652, section 3 */
        if (r != 0 || !take(&der, BER_SEQUENCE, &info) || !take(&info, BER_OID, &type) || !take(&info, TAG_CONTENT, &content) ||
            !take(&content, BER_SEQUENCE, &data))
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_ANEW, "what follows midtls: is not CMS in DER");

        authenticated = equals(type, auth_enveloped, sizeof(auth_enveloped));
        if (!authenticated && !equals(type, enveloped, sizeof(enveloped)))
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_ANEW, "what follows midtls: is CMS, but nothing that is encrypted to a key");

        /* RFC 5652, 6.1; RFC 5083, 2.1: alike up to here */
        if (!take(&data, BER_INTEGER, &skipped) || !take_recipients(&data) || !take(&data, BER_SEQUENCE, &encrypted) ||
            !take(&encrypted, BER_OID, &type) || !take(&encrypted, BER_SEQUENCE, &algorithm) || !take(&encrypted, TAG_ENCRYPTED, &skipped))
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_ANEW, "the encrypted password's envelope is malformed");

        return check_cipher(algorithm, authenticated, ret_failure);
}
