/* SPDX-License-Identifier: Apache-2.0 */

/* Without the check nothing may be signed. */

#include "keyd/verifier/check.h"

struct ChainCache {
        bool nothing;
};

int chain_cache_new(ChainCache **ret) {
        ChainCache *c;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        *ret = c;
        return 0;
}

ChainCache *chain_cache_free(ChainCache *c) {
        free(c);
        return NULL;
}

void chain_cache_clear(ChainCache *c _unused_) {
}

int check_handshake(const CheckPolicy *p _unused_, ChainCache *cache _unused_, int64_t now _unused_, uint16_t tls_version _unused_,
                    uint16_t scheme _unused_, Span transcript _unused_, CheckResult *ret) {
        *ret = (CheckResult) {.code = REFUSAL_INTERNAL, .sentence = "the check of handshakes is not there"};
        return 1;
}
