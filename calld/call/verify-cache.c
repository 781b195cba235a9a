/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/call/verify-cache.h"

#include <openssl/evp.h>
#include <string.h>

DEFINE_CLEANUP(EVP_MD_CTX *, EVP_MD_CTX_free)

/* libssl has the bytes still: an X509 that was parsed and not changed keeps its encoding. */
static bool add_certificate(EVP_MD_CTX *md, X509 *x) {
        unsigned char *der = NULL;
        int size = i2d_X509(x, &der);
        bool ok = size > 0 && EVP_DigestUpdate(md, der, (size_t) size) == 1;

        OPENSSL_free(der);
        return ok;
}

int verify_cache_digest(X509 *leaf, STACK_OF(X509) *sent, uint8_t ret[32]) {
        _cleanup_(EVP_MD_CTX_freep) EVP_MD_CTX *md = EVP_MD_CTX_new();

        if (!md || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 || !add_certificate(md, leaf))
                return -EIO;
        for (int i = 0; i < sk_X509_num(sent); i++)
                if (!add_certificate(md, sk_X509_value(sent, i)))
                        return -EIO;

        return EVP_DigestFinal_ex(md, ret, NULL) == 1 ? 0 : -EIO;
}

bool verify_cache_has(const VerifyCache *c, const uint8_t digest[32]) {
        uint64_t now = now_usec();

        for (size_t i = 0; i < VERIFY_CACHE_ENTRIES; i++)
                if (c->entries[i].expires_usec > now && memcmp(c->entries[i].digest, digest, 32) == 0)
                        return true;

        return false;
}

/* Seconds until the first certificate of @chain ends; 0 when one has. */
static uint64_t validity_left_usec(STACK_OF(X509) *chain) {
        uint64_t left = VERIFY_CACHE_USEC;

        for (int i = 0; i < sk_X509_num(chain); i++) {
                int days, seconds;

                if (ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(sk_X509_value(chain, i))) != 1 || days < 0 || seconds <= 0)
                        return 0;
                if (days == 0)
                        left = MIN_OF(left, (uint64_t) seconds * USEC_PER_SEC);
        }

        return left;
}

void verify_cache_add(VerifyCache *c, const uint8_t digest[32], STACK_OF(X509) *verified) {
        VerifyCacheEntry *e = &c->entries[c->next];
        uint64_t left = validity_left_usec(verified);

        if (left == 0)
                return;

        memcpy(e->digest, digest, sizeof(e->digest));
        e->expires_usec = deadline_after(left);
        c->next = (c->next + 1) % VERIFY_CACHE_ENTRIES;
}
