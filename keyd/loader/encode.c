/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/encode.h"

#include <openssl/err.h>
#include <openssl/x509.h>

#include "common/role.h"

#define LINE_BYTES 48U /* RFC 7468, section 2: 64 characters a line */

/* From OpenSSL's buffer straight into a Secret. */
int encode_private_key(EVP_PKEY *key, Secret **ret) {
        _cleanup_(secret_freep) Secret *s = NULL;
        PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
        int size, r;
        uint8_t *p;

        if (!info) {
                ERR_clear_error();
                return -EIO;
        }

        size = i2d_PKCS8_PRIV_KEY_INFO(info, NULL);
        r = size <= 0 ? -EIO : size > (int) ROLE_KEY_BYTES_MAX ? -EMSGSIZE : secret_new((size_t) size, &s);
        if (r >= 0) {
                p = secret_writable(s);
                secret_set_size(s, (size_t) size);
                if (i2d_PKCS8_PRIV_KEY_INFO(info, &p) != size)
                        r = -EIO;
        }
        /* Wipes its copy. */
        PKCS8_PRIV_KEY_INFO_free(info);
        ERR_clear_error();
        if (r < 0)
                return r;

        *ret = TAKE_PTR(s);
        return 0;
}

int encode_certificate_pem(const Certificate *c, Buf *to) {
        uint8_t line[LINE_BYTES / 3 * 4 + 1];
        int r;

        r = buf_printf(to, "-----BEGIN CERTIFICATE-----\n");
        for (size_t done = 0; r >= 0 && done < c->size; done += LINE_BYTES) {
                int n = EVP_EncodeBlock(line, c->der + done, (int) MIN_OF(c->size - done, LINE_BYTES));

                r = buf_append(to, line, (size_t) n);
                if (r >= 0)
                        r = buf_append(to, "\n", 1);
        }
        if (r >= 0)
                r = buf_printf(to, "-----END CERTIFICATE-----\n");

        return r;
}
