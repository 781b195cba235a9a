/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/encrypt.h"

#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#define RSA_BITS_MIN 2048

DEFINE_CLEANUP(BIO *, BIO_free)
DEFINE_CLEANUP(CMS_ContentInfo *, CMS_ContentInfo_free)
DEFINE_CLEANUP(X509 *, X509_free)

static X509 *read_certificate(const char *pem, size_t size) {
        _cleanup_(BIO_freep) BIO *text = size <= INT_MAX ? BIO_new_mem_buf(pem, (int) size) : NULL;

        return text ? PEM_read_bio_X509(text, NULL, NULL, NULL) : NULL;
}

static bool key_fits(X509 *certificate) {
        const EVP_PKEY *key = X509_get0_pubkey(certificate);

        return key && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA && EVP_PKEY_get_bits(key) >= RSA_BITS_MIN;
}

/* RFC 8017, 7.1: OAEP; PKCS #1 v1.5 is for old peers, and there are none. */
static bool add_recipient(CMS_ContentInfo *c, X509 *certificate) {
        /* By the key's identifier where there is one: a certificate that is made again for the same key names the same recipient. */
        unsigned by = X509_get0_subject_key_id(certificate) ? CMS_USE_KEYID : 0;
        CMS_RecipientInfo *recipient = CMS_add1_recipient_cert(c, certificate, CMS_KEY_PARAM | by);
        EVP_PKEY_CTX *key = recipient ? CMS_RecipientInfo_get0_pkey_ctx(recipient) : NULL;

        return key && EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_OAEP_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_oaep_md(key, EVP_sha256()) > 0 &&
               EVP_PKEY_CTX_set_rsa_mgf1_md(key, EVP_sha256()) > 0;
}

static int encode(CMS_ContentInfo *c, char **ret) {
        unsigned char *der = NULL;
        int size = i2d_CMS_ContentInfo(c, &der);
        char *text;

        if (size <= 0)
                return ENCRYPT_E_LIBRARY;

        text = malloc((size_t) size / 3 * 4 + 5);
        if (text)
                EVP_EncodeBlock((unsigned char *) text, der, size);
        OPENSSL_free(der);
        if (!text)
                return -ENOMEM;

        *ret = text;
        return 0;
}

static int encrypt(X509 *certificate, const char *secret, size_t size, char **ret) {
        _cleanup_(CMS_ContentInfo_freep) CMS_ContentInfo *c = NULL;
        _cleanup_(BIO_freep) BIO *content = BIO_new_mem_buf(secret, (int) size);

        c = CMS_encrypt(NULL, NULL, EVP_aes_256_gcm(), CMS_BINARY | CMS_PARTIAL);
        if (!content || !c || !add_recipient(c, certificate) || CMS_final(c, content, NULL, CMS_BINARY) != 1)
                return ENCRYPT_E_LIBRARY;

        return encode(c, ret);
}

int encrypt_to_certificate(const char *pem, size_t pem_size, const char *secret, size_t secret_size, char **ret) {
        _cleanup_(X509_freep) X509 *certificate = read_certificate(pem, pem_size);
        int r;

        ASSERT(secret_size > 0 && secret_size <= ENCRYPT_SECRET_MAX);
        if (!certificate)
                r = ENCRYPT_E_CERTIFICATE;
        else if (!key_fits(certificate))
                r = ENCRYPT_E_KEY;
        else
                r = encrypt(certificate, secret, secret_size, ret);

        ERR_clear_error();
        return r;
}
