/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The rules in the order of docs/signing.md; the first that does not hold refuses.
 */

#include "keyd/verifier/check.h"

#include <stdarg.h>

#include "keyd/crypto/ossl.h"
#include "keyd/verifier/check-internal.h"

static int (*const stages[])(Check *) = {
        check_transcript, /* transcript-malformed, sequence */
        check_version,          check_resumption,         check_post_handshake, check_cipher, check_sni, check_alpn, check_server_certificate,
        check_server_signature, check_client_certificate, check_scheme,
};

int refuse(Check *c, RefusalCode code, const char *format, ...) {
        char *s = c->result->sentence;
        va_list ap;

        va_start(ap, format);
        vsnprintf(s, sizeof(c->result->sentence), format, ap);
        va_end(ap);

        for (; *s; s++)
                if (*s < 0x20 || *s > 0x7e)
                        *s = '?';

        c->result->code = code;
        return 1;
}

static uint8_t ascii_lower(uint8_t b) {
        return b >= 'A' && b <= 'Z' ? (uint8_t) (b + ('a' - 'A')) : b;
}

bool name_equal(Span a, Span b) {
        if (a.size != b.size)
                return false;

        for (size_t i = 0; i < a.size; i++)
                if (ascii_lower(a.data[i]) != ascii_lower(b.data[i]))
                        return false;
        return true;
}

static void accept(Check *c) {
        memcpy(c->result->server_spki_sha256, c->server.spki_sha256, sizeof(c->result->server_spki_sha256));
        if (c->version != TLS_VERSION_1_3)
                return;

        memcpy(c->result->transcript_hash, c->transcript_hash, sizeof(c->result->transcript_hash));
        c->result->transcript_hash_size = c->suite->hash_size;
}

static void check_done(Check *c) {
        verified_chain_done(&c->server);
        ERR_clear_error();
}

int check_handshake(const CheckPolicy *p, ChainCache *cache, int64_t now, uint16_t tls_version, uint16_t scheme, Span transcript, CheckResult *ret) {
        _cleanup_(check_done) Check c = {
                .policy = p,
                .cache = cache,
                .now = now,
                .version = tls_version,
                .scheme = scheme,
                .transcript = {.bytes = transcript},
                .result = ret,
        };

        *ret = (CheckResult) {};
        for (size_t i = 0; i < ARRAY_SIZE(stages); i++) {
                int r = stages[i](&c);

                if (r != 0)
                        return r;
        }

        accept(&c);
        return 0;
}
