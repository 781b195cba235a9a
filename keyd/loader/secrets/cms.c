/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/secrets/cms.h"

#include <openssl/cms.h>

#include "keyd/loader/file.h"
#include "keyd/loader/keystore/ossl-private.h"

#define HINT_ANEW "make the value anew on this host: midtls encrypt"

static void cms_freep(CMS_ContentInfo **c) {
        CMS_ContentInfo_free(*c);
}

static void bio_chain_freep(BIO **b) {
        BIO_free_all(*b);
}

static int decode(BerBytes der, CMS_ContentInfo **ret, LoadFailure *f) {
        CMS_ContentInfo *c = CMS_ContentInfo_new_ex(ossl_private(), NULL);
        const uint8_t *p = der.data;

        if (!c)
                return -ENOMEM;
        /* On failure the object is freed. */
        if (!d2i_CMS_ContentInfo(&c, &p, (long) der.size) || p != der.data + der.size) {
                CMS_ContentInfo_free(c);
                return load_failure(f, VERDICT_FORMAT, HINT_ANEW, "the encrypted password's envelope cannot be decoded");
        }

        *ret = c;
        return 0;
}

static bool is_for(CMS_ContentInfo *c, X509 *certificate) {
        STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(c);

        for (int i = 0; i < sk_CMS_RecipientInfo_num(recipients); i++) {
                CMS_RecipientInfo *r = sk_CMS_RecipientInfo_value(recipients, i);

                if (CMS_RecipientInfo_type(r) == CMS_RECIPINFO_TRANS && CMS_RecipientInfo_ktri_cert_cmp(r, certificate) == 0)
                        return true;
        }
        return false;
}

static int unlock(CMS_ContentInfo *c, const HostKey *host, LoadFailure *f) {
        if (!is_for(c, host->certificate))
                return load_failure(f, VERDICT_MISMATCH, "encrypt it to this host: midtls encrypt, run here or with this host's host.pem",
                                    "the password was encrypted to the key of another host, or to one that this host has no more");
        if (CMS_decrypt_set1_pkey(c, host->key, host->certificate) != 1)
                return load_failure(f, VERDICT_AUTH, HINT_ANEW, "the encrypted password is damaged: this host's key does not open it");

        return 0;
}

/* Straight into the secret. Return: how many bytes, or -1 */
static int read_content(BIO *content, Secret *s) {
        size_t done = 0;

        while (done < secret_capacity(s)) {
                int n = BIO_read(content, secret_writable(s) + done, (int) (secret_capacity(s) - done));

                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                done += (size_t) n;
        }

        secret_set_size(s, done);
        return (int) done;
}

int cms_decrypt(BerBytes der, const HostKey *host, size_t max, Secret **ret, LoadFailure *ret_failure) {
        _cleanup_(cms_freep) CMS_ContentInfo *c = NULL;
        _cleanup_(secret_freep) Secret *s = NULL;
        _cleanup_(bio_chain_freep) BIO *content = NULL;
        int r;

        r = decode(der, &c, ret_failure);
        if (r == 0)
                r = unlock(c, host, ret_failure);
        if (r == 0)
                r = secret_new(max + 1, &s); /* one byte more tells that there is more */
        if (r != 0)
                return r;

        content = CMS_dataInit(c, NULL);
        if (!content || read_content(content, s) < 0 || (secret_size(s) <= max && BIO_get_cipher_status(content) != 1))
                return load_failure(ret_failure, VERDICT_AUTH, HINT_ANEW, "the encrypted password is damaged: its content does not decrypt");
        if (secret_size(s) > max)
                return load_failure(ret_failure, VERDICT_LIMIT, "a password has 4096 bytes at most; a whole keystore goes into a credential",
                                    "the encrypted password is longer than %zu bytes", max);

        *ret = TAKE_PTR(s);
        return 0;
}
