/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A check that does what the transcript's fifth byte says, so that the process around it can be tried without a TLS server:
 *
 *      a  accepts      r  refuses      e  fails      p  refuses, and its sentence says which policy it was given
 */

#include <openssl/err.h>

#include "keyd/verifier/check.h"

struct ChainCache {
        unsigned n_cleared;
};

int chain_cache_new(ChainCache **ret) {
        *ret = calloc(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

ChainCache *chain_cache_free(ChainCache *c) {
        free(c);
        return NULL;
}

void chain_cache_clear(ChainCache *c) {
        c->n_cleared++;
}

/* Does what the real one does with the store: dates, CRLs, all under the filter. */
static int verify_leaf(const CheckPolicy *p) {
        X509_STORE_CTX *c = X509_STORE_CTX_new();
        int r;

        ASSERT(c && X509_STORE_CTX_init(c, p->store, p->client_leaf, NULL) == 1);
        if (p->has_crls)
                X509_STORE_CTX_set_flags(c, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
        r = X509_verify_cert(c) == 1 ? 0 : X509_STORE_CTX_get_error(c);
        X509_STORE_CTX_free(c);
        ERR_clear_error();
        return r;
}

static int refuse(CheckResult *ret, RefusalCode code) {
        ret->code = code;
        return 1;
}

static int describe_policy(const CheckPolicy *p, const ChainCache *cache, CheckResult *ret) {
        snprintf(ret->sentence, sizeof(ret->sentence), "%.*s %llu %.*s %04x names %zu pins %zu crls %d verify %d cleared %u", (int) p->profile.size,
                 (const char *) p->profile.data, (unsigned long long) p->generation, (int) p->host.size, (const char *) p->host.data, p->minimum_tls,
                 p->allowed_names->n_items, p->pins->n_items, p->has_crls, verify_leaf(p), cache->n_cleared);
        return refuse(ret, REFUSAL_SERVER_CERTIFICATE);
}

int check_handshake(const CheckPolicy *p, ChainCache *cache, int64_t now _unused_, uint16_t tls_version, uint16_t scheme _unused_, Span transcript,
                    CheckResult *ret) {
        *ret = (CheckResult) {};
        if (transcript.size < 5)
                return refuse(ret, REFUSAL_TRANSCRIPT_MALFORMED);

        switch (transcript.data[4]) {
        case 'a':
                memset(ret->server_spki_sha256, 0x5a, sizeof(ret->server_spki_sha256));
                memset(ret->transcript_hash, 0xa5, sizeof(ret->transcript_hash));
                ret->transcript_hash_size = tls_version == TLS_VERSION_1_3 ? 48 : 0;
                return 0;
        case 'p':
                return describe_policy(p, cache, ret);
        case 'e':
                return -EIO;
        default:
                snprintf(ret->sentence, sizeof(ret->sentence), "the name is another one");
                return refuse(ret, REFUSAL_SNI);
        }
}
