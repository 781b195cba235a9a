/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/refusal.h"

static void sign_again(Draft *d, uint16_t version, EVP_PKEY *key) {
        if (version == TLS_VERSION_1_3)
                draft_sign_1_3(d, key, TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256(), false);
        else
                draft_sign_1_2(d, key, TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256(), false);
}

static void run_one(const World *w, uint16_t version, const Recording *base, const Refusal *refusal, size_t i) {
        Buf bytes = BUF_INIT(DRAFT_MAX);
        CheckResult result;
        Draft d;
        int r;

        draft_init(&d, buf_span(&base->transcript));
        if (refusal->edit)
                refusal->edit(&d);
        if (!refusal->as_recorded)
                sign_again(&d, version, w->server_key);
        draft_write(&d, &bytes);

        r = world_check(w, NULL, version, base->scheme, buf_span(&bytes), &result);
        if (!refusal->says && r != 0)
                fail_msg("row %zu: %d, %u: %s", i, r, result.code, result.sentence);
        if (refusal->says && (r != 1 || result.code != refusal->code || !strstr(result.sentence, refusal->says)))
                fail_msg("row %zu (%u, \"%s\"): %d, %u: %s", i, refusal->code, refusal->says, r, result.code, result.sentence);

        buf_done(&bytes);
        draft_done(&d);
}

void refusals_run(uint16_t version, const Refusal *table, size_t n) {
        Recording plain, retried;
        RecordSpec spec;
        World w;

        world_init(&w, "ec-p256", "ec-p256", "ec-p256");
        spec = world_record_spec(&w, version);
        spec.alpn = "\x02h2\x08http/1.1";
        record_handshake(&spec, &plain);
        spec.server_groups = "P-384";
        record_handshake(&spec, &retried);

        run_one(&w, version, &plain, &(Refusal) {}, n);
        run_one(&w, version, &retried, &(Refusal) {}, n);
        for (size_t i = 0; i < n; i++)
                run_one(&w, version, table[i].retry ? &retried : &plain, &table[i], i);

        recording_done(&plain);
        recording_done(&retried);
        world_done(&w);
}
