/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/bcfks-crypto.h"

#include <string.h>

#include "keyd/crypto/ossl.h"
#include "keyd/loader/keystore/java-text.h"

#define MAC_SIZE 64U
#define MAC_KEY_MIN 20U                                /* a MAC under a key of one byte can be forged without the password */
#define SCRYPT_MEMORY_MAX (UINT64_C(65) * 1024 * 1024) /* above what the parameters may ask for: for OpenSSL's own share */

DEFINE_CLEANUP(EVP_CIPHER *, EVP_CIPHER_free)
DEFINE_CLEANUP(EVP_MD *, EVP_MD_free)
DEFINE_CLEANUP(EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

static const char *digest_name(BcfksOid oid) {
        return oid == BCFKS_OID_HMAC_SHA512 ? "SHA512" : "SHA3-512";
}

/* P12(password), P12(purpose) */
static int derive_input(const Secret *password, const char *purpose, Secret **ret) {
        _cleanup_(secret_freep) Secret *utf16 = NULL, *s = NULL;
        size_t n_password, n_purpose = strlen(purpose), n = 0;
        uint8_t *to;
        int r;

        r = java_password_to_utf16(password, &utf16);
        if (r < 0)
                return r;
        n_password = secret_size(utf16);
        r = secret_new(n_password + 2 + 2 * n_purpose + 2, &s);
        if (r < 0)
                return r;

        to = secret_writable(s);
        if (n_password > 0) {
                memcpy(to, secret_data(utf16), n_password);
                to[n_password] = to[n_password + 1] = 0;
                n = n_password + 2;
        }
        for (size_t i = 0; i <= n_purpose; i++, n += 2) {
                to[n] = 0;
                to[n + 1] = (uint8_t) purpose[i];
        }
        secret_set_size(s, n);

        *ret = TAKE_PTR(s);
        return 0;
}

static int derive(const BcfksKdf *kdf, const Secret *password, const char *purpose, size_t key_size, Secret **ret) {
        _cleanup_(secret_freep) Secret *input = NULL, *key = NULL;
        _cleanup_(EVP_MD_freep) EVP_MD *md = NULL;
        int r, good = 0;

        r = derive_input(password, purpose, &input);
        if (r < 0)
                return r;
        r = secret_new(key_size, &key);
        if (r < 0)
                return r;

        if (kdf->oid == BCFKS_OID_SCRYPT) {
                good = EVP_PBE_scrypt((const char *) secret_data(input), secret_size(input), kdf->salt.data, kdf->salt.size, kdf->cost,
                                      kdf->block_size, kdf->block_size, SCRYPT_MEMORY_MAX, secret_writable(key), key_size);
        } else {
                md = EVP_MD_fetch(NULL, digest_name(kdf->prf), NULL);
                if (md)
                        good = PKCS5_PBKDF2_HMAC((const char *) secret_data(input), (int) secret_size(input), kdf->salt.data, (int) kdf->salt.size,
                                                 (int) kdf->iterations, md, (int) key_size, secret_writable(key));
        }
        if (good != 1) {
                ERR_clear_error();
                return BCFKS_E_UNAVAILABLE;
        }

        secret_set_size(key, key_size);
        *ret = TAKE_PTR(key);
        return 0;
}

int bcfks_mac_verify(const BcfksStore *s, const BcfksKdf *kdf, const Secret *password) {
        _cleanup_(secret_freep) Secret *key = NULL;
        uint8_t mac[MAC_SIZE];
        size_t n = 0;
        int r;

        if (kdf->key_size < MAC_KEY_MIN)
                return BCFKS_E_MISMATCH;

        r = derive(kdf, password, "INTEGRITY_CHECK", kdf->key_size, &key);
        if (r)
                return r;
        if (!EVP_Q_mac(NULL, "HMAC", NULL, digest_name(s->mac.oid), NULL, secret_data(key), secret_size(key), s->data.data, s->data.size, mac,
                       sizeof(mac), &n)) {
                ERR_clear_error();
                return BCFKS_E_UNAVAILABLE;
        }

        return java_bytes_equal(java_bytes_make(mac, n), s->mac_value) ? 0 : BCFKS_E_MISMATCH;
}

/* @out has room for @content. Return: 1 good, else not */
static int decrypt_ccm(EVP_CIPHER_CTX *c, const EVP_CIPHER *aes, const BcfksCipher *cipher, const Secret *key, JavaBytes content, Secret *out) {
        size_t n_text = content.size - cipher->tag_size;
        int n = 0, good;

        good = EVP_DecryptInit_ex2(c, aes, NULL, NULL, NULL) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, (int) cipher->nonce.size, NULL) == 1 &&
               EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, (int) cipher->tag_size, (void *) (content.data + n_text)) == 1 &&
               EVP_DecryptInit_ex2(c, NULL, secret_data(key), cipher->nonce.data, NULL) == 1 &&
               EVP_DecryptUpdate(c, NULL, &n, NULL, (int) n_text) == 1 &&
               EVP_DecryptUpdate(c, secret_writable(out), &n, content.data, (int) n_text) == 1;
        if (good)
                secret_set_size(out, n_text);

        return good;
}

static int decrypt_wrap(EVP_CIPHER_CTX *c, const EVP_CIPHER *aes, const Secret *key, JavaBytes content, Secret *out) {
        int n = 0;

        EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
        if (EVP_DecryptInit_ex2(c, aes, secret_data(key), NULL, NULL) != 1 ||
            EVP_DecryptUpdate(c, secret_writable(out), &n, content.data, (int) content.size) != 1 || n < 0)
                return 0;

        secret_set_size(out, (size_t) n);
        return 1;
}

int bcfks_decrypt(const BcfksCipher *cipher, JavaBytes content, const Secret *password, const char *purpose, Secret **ret) {
        _cleanup_(secret_freep) Secret *key = NULL, *out = NULL;
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
        _cleanup_(EVP_CIPHER_freep) EVP_CIPHER *aes = NULL;
        bool is_ccm = cipher->oid == BCFKS_OID_AES256_CCM;
        int r, good;

        if (!c)
                return -ENOMEM;
        /* EVP_DecryptUpdate() calls nothing at all a success. */
        if (content.size <= (is_ccm ? cipher->tag_size : 0))
                return BCFKS_E_MISMATCH;
        aes = EVP_CIPHER_fetch(NULL, is_ccm ? "AES-256-CCM" : "AES-256-WRAP-PAD", NULL);
        if (!aes) {
                ERR_clear_error();
                return BCFKS_E_UNAVAILABLE;
        }

        r = derive(&cipher->kdf, password, purpose, BCFKS_CIPHER_KEY_SIZE, &key);
        if (r)
                return r;
        r = secret_new(content.size, &out);
        if (r < 0)
                return r;
        good = is_ccm ? decrypt_ccm(c, aes, cipher, key, content, out) : decrypt_wrap(c, aes, key, content, out);
        ERR_clear_error();
        if (!good)
                return BCFKS_E_MISMATCH;

        *ret = TAKE_PTR(out);
        return 0;
}
