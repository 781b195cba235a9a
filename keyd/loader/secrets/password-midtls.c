/* SPDX-License-Identifier: Apache-2.0 */

/* Passwords that are encrypted to this host's key */

#include <string.h>

#include "keyd/loader/secrets/cms.h"
#include "keyd/loader/file.h"
#include "keyd/loader/secrets/password-source.h"

#define BASE64_MAX (64U * 1024)
#define PASSWORD_MAX 4096U

#define HINT_ANEW "paste the whole line that midtls encrypt printed"

/* RFC 4648, section 4, strictly: what encodes to the same text again. Return: 0; 1 with *f filled; -ENOMEM */
static int decode_base64(const char *text, uint8_t **ret, size_t *ret_size, LoadFailure *f) {
        _cleanup_free_ uint8_t *data = NULL, *again = NULL;
        size_t size = strlen(text), padding;
        int n;

        if (size > BASE64_MAX)
                return load_failure(f, VERDICT_LIMIT, "use what midtls encrypt prints", "what follows midtls: has %zu characters, more than %u", size,
                                    BASE64_MAX);
        data = malloc(size + 1);
        again = malloc(size + 4);
        if (!data || !again)
                return -ENOMEM;

        n = size > 0 && size % 4 == 0 ? EVP_DecodeBlock(data, (const uint8_t *) text, (int) size) : -1;
        padding = n > 0 ? (size_t) (text[size - 1] == '=') + (text[size - 2] == '=') : 0;
        if (n <= 0 || (size_t) n / 3 * 4 != size || EVP_EncodeBlock(again, data, n - (int) padding) != (int) size || memcmp(again, text, size) != 0)
                return load_failure(f, VERDICT_FORMAT, HINT_ANEW, "what follows midtls: is not base64");

        *ret = TAKE_PTR(data);
        *ret_size = (size_t) n - padding;
        return 0;
}

/* Before the key is read: a value that cannot be one is told as that, whatever state the key is in. */
static int decrypt(BerBytes der, const char *host_key_folder, Secret **ret, LoadFailure *f) {
        _cleanup_(host_key_done) HostKey host = {};
        int r;

        r = cms_check(der, f);
        if (r == 0)
                r = host_key_read(host_key_folder, &host, f);
        if (r == 0)
                r = cms_decrypt(der, &host, PASSWORD_MAX, ret, f);

        ERR_clear_error();
        return r;
}

int password_decrypt(const char *base64, const char *host_key_folder, Secret **ret, LoadFailure *ret_failure) {
        _cleanup_free_ uint8_t *der = NULL;
        size_t size;
        int r;

        r = decode_base64(base64, &der, &size, ret_failure);
        return r == 0 ? decrypt((BerBytes) {.data = der, .size = size}, host_key_folder, ret, ret_failure) : r;
}
