/* SPDX-License-Identifier: Apache-2.0 */

/* What the check of one handshake costs: medians, with a chain known from a moment ago and with one that is not */

#include "common/algorithms.h"
#include "tests/unit/keyd/verifier/world.h"

#define ROUNDS 2000U
#define WARM_UP 100U

static int compare(const void *a, const void *b) {
        const uint64_t *x = a, *y = b;

        return *x < *y ? -1 : *x > *y;
}

static uint64_t now_nsec(void) {
        struct timespec t;

        ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
        return (uint64_t) t.tv_sec * 1000000000U + (uint64_t) t.tv_nsec;
}

static double measure(const World *w, ChainCache *cache, uint16_t version, const Recording *r) {
        static uint64_t samples[ROUNDS];
        CheckResult result;

        for (size_t i = 0; i < WARM_UP + ROUNDS; i++) {
                uint64_t start = now_nsec();

                ASSERT(check_handshake(&w->policy, cache, PKI_NOW, version, r->scheme, buf_span(&r->transcript), &result) == 0);
                if (i >= WARM_UP)
                        samples[i - WARM_UP] = now_nsec() - start;
        }

        qsort(samples, ROUNDS, sizeof(samples[0]), compare);
        return (double) samples[ROUNDS / 2] / 1000;
}

static void report(const char *kind, uint16_t version, const char *suffix) {
        ChainCache *cache;
        Recording r;
        RecordSpec spec;
        World w;

        world_init(&w, kind, kind, kind);
        spec = world_record_spec(&w, version);
        record_handshake(&spec, &r);
        ASSERT(chain_cache_new(&cache) == 0);

        printf("check_us_cached%s=%.1f\n", suffix, measure(&w, cache, version, &r));
        printf("check_us_uncached%s=%.1f\n", suffix, measure(&w, NULL, version, &r));

        chain_cache_free(cache);
        recording_done(&r);
        world_done(&w);
}

int main(void) {
        Algorithms *algorithms;

        /* as the verifier does */
        ASSERT(algorithms_new(&algorithms) == 0);
        algorithms_enter(algorithms);
        report("rsa-2048", TLS_VERSION_1_3, "");
        report("ec-p256", TLS_VERSION_1_3, "_p256");
        report("rsa-2048", TLS_VERSION_1_2, "_tls12");
        report("ec-p256", TLS_VERSION_1_2, "_tls12_p256");
        pki_done();
        return 0;
}
