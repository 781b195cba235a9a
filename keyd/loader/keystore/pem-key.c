/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Traditional keys in PEM. Their encryption derives its key by one round of MD5: it is read, because many have it, with AES only.
 */

#include "keyd/loader/keystore/pem-key.h"

#include <limits.h>
#include <string.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/ossl-private.h"
#include "keyd/loader/keystore/pkcs8.h"

#define HINT_PKCS8 "openssl pkey -in FILE -aes256 -out new.pem writes the key as encrypted PKCS#8"
#define IV_SIZE 16U
#define SALT_SIZE 8U

static const char *const ciphers[] = {"", "AES-128-CBC", "AES-192-CBC", "AES-256-CBC"};

/* What stands before the key's DER in KeystoreEntry.key. */
typedef struct Head {
        uint8_t is_rsa;
        uint8_t cipher; /* index into ciphers; 0: not encrypted */
        uint8_t iv[IV_SIZE];
} Head;

static int parse_iv(const char *hex, Head *ret) {
        if (strlen(hex) != 2 * sizeof(ret->iv) || strspn(hex, "0123456789abcdefABCDEF") != strlen(hex))
                return 1;

        for (size_t i = 0; i < sizeof(ret->iv); i++) {
                const char pair[] = {hex[2 * i], hex[2 * i + 1], 0};

                ret->iv[i] = (uint8_t) strtoul(pair, NULL, 16);
        }
        return 0;
}

static int parse_dek_info(const PemBlock *b, Head *ret, LoadFailure *f) {
        const char *comma = strchr(b->dek_info, ',');
        size_t size = comma ? (size_t) (comma - b->dek_info) : strlen(b->dek_info);

        if (size == 0)
                return load_failure(f, VERDICT_FORMAT, HINT_PKCS8, "the key of line %u is encrypted but has no DEK-Info", b->line);
        for (size_t i = 1; i < ARRAY_SIZE(ciphers); i++)
                if (strlen(ciphers[i]) == size && strncmp(b->dek_info, ciphers[i], size) == 0)
                        ret->cipher = (uint8_t) i;
        if (ret->cipher == 0)
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_PKCS8, "the key of line %u is encrypted with %.*s, which is not taken", b->line,
                                    (int) size, b->dek_info);
        if (!comma || parse_iv(comma + 1, ret) != 0)
                return load_failure(f, VERDICT_FORMAT, HINT_PKCS8, "the DEK-Info of the key of line %u is malformed", b->line);

        return 0;
}

static int wrong_password(const Secret *password, LoadFailure *f) {
        return load_failure(f, VERDICT_KEYPASS, "set Password= (or KeyPassword=) to the password of the private key", "%s",
                            password ? "the password does not decrypt the private key"
                                     : "the private key is encrypted and no password is configured");
}

static int derive(const EVP_CIPHER *cipher, const Head *head, const Secret *password, uint8_t *key, LoadFailure *f) {
        _cleanup_(EVP_MD_freep) EVP_MD *md5 = EVP_MD_fetch(ossl_private(), "MD5", NULL);
        uint8_t salt[SALT_SIZE];

        memcpy(salt, head->iv, sizeof(salt));
        if (!md5 || EVP_BytesToKey(cipher, md5, salt, secret_data(password), (int) secret_size(password), 1, key, NULL) <= 0) {
                ERR_clear_error();
                return load_failure(f, VERDICT_UNSUPPORTED, HINT_PKCS8, "this OpenSSL has no MD5, which the old encryption of PEM keys needs");
        }

        return 0;
}

static int decrypt(const Head *head, BerBytes in, const Secret *password, Secret **ret, LoadFailure *f) {
        _cleanup_(EVP_CIPHER_freep) EVP_CIPHER *cipher = EVP_CIPHER_fetch(ossl_private(), ciphers[head->cipher], NULL);
        _cleanup_(EVP_CIPHER_CTX_freep) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
        _cleanup_(secret_freep) Secret *out = NULL;
        uint8_t key[EVP_MAX_KEY_LENGTH];
        int r, n = 0, n_last = 0;
        bool ok;

        if (!cipher || !ctx)
                return -ENOMEM;
        r = secret_new(in.size + EVP_MAX_BLOCK_LENGTH, &out);
        if (r < 0)
                return r;
        r = derive(cipher, head, password, key, f);
        if (r != 0)
                return r;

        ok = EVP_DecryptInit_ex2(ctx, cipher, key, head->iv, NULL) == 1 &&
             EVP_DecryptUpdate(ctx, secret_writable(out), &n, in.data, (int) in.size) == 1 &&
             EVP_DecryptFinal_ex(ctx, secret_writable(out) + n, &n_last) == 1;
        explicit_bzero(key, sizeof(key));
        ERR_clear_error();
        if (!ok)
                return wrong_password(password, f);

        secret_set_size(out, (size_t) n + (size_t) n_last);
        /* The padding fits one wrong password in 256. */
        if (ber_check(ber_from_secret(out), PKCS8_ELEMENTS_MAX) != 0)
                return wrong_password(password, f);
        *ret = TAKE_PTR(out);
        return 0;
}

static int recover(const KeystoreEntry *e, const Secret *password, EVP_PKEY **ret, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *plain = NULL;
        BerBytes der = ber_from_secret(e->key);
        Head head;
        int r;

        if (!ossl_private())
                return -ENOMEM;
        memcpy(&head, der.data, sizeof(head));
        der.data += sizeof(head);
        der.size -= sizeof(head);
        if (head.cipher != 0) {
                if (!password)
                        return wrong_password(NULL, f);
                r = decrypt(&head, der, password, &plain, f);
                if (r != 0)
                        return r;
                der = ber_from_secret(plain);
        }

        return pkcs8_decode_traditional(head.is_rsa ? EVP_PKEY_RSA : EVP_PKEY_EC, der, ret, f);
}

int pem_take_traditional(Keystore *k, int type, const PemBlock *b, LoadFailure *ret_failure) {
        Head head = {.is_rsa = type == EVP_PKEY_RSA};
        KeystoreEntry *e;
        int r;

        if (b->encrypted || b->dek_info[0]) {
                r = parse_dek_info(b, &head, ret_failure);
                if (r != 0)
                        return r;
        }
        r = keystore_add_entry(k, &e);
        if (r < 0)
                return r;
        e->recover = recover;
        r = secret_new(sizeof(head) + secret_size(b->der), &e->key);
        if (r < 0)
                return r;

        memcpy(secret_writable(e->key), &head, sizeof(head));
        memcpy(secret_writable(e->key) + sizeof(head), secret_data(b->der), secret_size(b->der));
        secret_set_size(e->key, sizeof(head) + secret_size(b->der));
        return 0;
}
