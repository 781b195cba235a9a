/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/certificate.h"

#include "common/wire.h"

void certificate_world(World *w) {
        world_init(w, "ec-p256", "ec-p256", "ec-p256");
}

/* A Certificate message of TLS 1.3 (RFC 8446, 4.4.2), each entry without extensions */
static void write_certificates(const Span *certificates, size_t n, Buf *ret) {
        Buf list = BUF_INIT(DRAFT_MAX);
        WireWriter w;

        wire_writer_init(&w, &list);
        for (size_t i = 0; i < n; i++) {
                wire_put_vector(&w, 3, certificates[i]);
                wire_put_u16(&w, 0);
        }
        assert_int_equal(wire_writer_end(&w), 0);

        wire_writer_init(&w, ret);
        wire_put_u8(&w, 0);
        wire_put_vector(&w, 3, buf_span(&list));
        assert_int_equal(wire_writer_end(&w), 0);
        buf_done(&list);
}

/* Any handshake of the same client: what the server shows in it is exchanged. */
static void record_any(const World *w, Recording *ret) {
        X509 *leaf = pki_certificate(&(CertificateSpec) {.name = "any", .key = pki_key("ec-p256#any")});
        RecordSpec spec = world_record_spec(w, TLS_VERSION_1_3);

        spec.server_leaf = leaf;
        spec.server_key = pki_key("ec-p256#any");
        spec.host = span_equal(w->policy.host, SPAN_LITERAL(WORLD_HOST)) ? WORLD_HOST : NULL;
        record_handshake(&spec, ret);
        X509_free(leaf);
}

int certificate_check(const World *w, const Span *certificates, size_t n, CheckResult *ret) {
        Buf message = BUF_INIT(DRAFT_MAX), bytes = BUF_INIT(DRAFT_MAX);
        Recording recording;
        DraftMessage *m;
        Draft d;
        int r;

        record_any(w, &recording);
        write_certificates(certificates, n, &message);
        draft_init(&d, buf_span(&recording.transcript));
        m = draft_find(&d, HANDSHAKE_CERTIFICATE, 0);
        draft_replace(m, 0, m->body.size, buf_span(&message));
        if (EVP_PKEY_is_a(w->server_key, "RSA"))
                draft_sign_1_3(&d, w->server_key, TLS_SCHEME_RSA_PSS_RSAE_SHA256, EVP_sha256(), true);
        else
                draft_sign_1_3(&d, w->server_key, TLS_SCHEME_ECDSA_SECP256R1_SHA256, EVP_sha256(), false);
        draft_write(&d, &bytes);
        r = world_check(w, NULL, TLS_VERSION_1_3, recording.scheme, buf_span(&bytes), ret);

        buf_done(&message);
        buf_done(&bytes);
        draft_done(&d);
        recording_done(&recording);
        return r;
}

static int check_world(const World *w, CheckResult *ret) {
        Span certificates[2] = {pki_der(w->server_leaf), pki_der(w->intermediate)};
        int r = certificate_check(w, certificates, 2, ret);

        OPENSSL_free((void *) certificates[0].data);
        OPENSSL_free((void *) certificates[1].data);
        return r;
}

void certificate_assert(int r, const CheckResult *result, const char *says) {
        if (!says && r != 0)
                fail_msg("refused: %d, %u: %s", r, result->code, result->sentence);
        if (says && (r != 1 || result->code != REFUSAL_SERVER_CERTIFICATE || !strstr(result->sentence, says)))
                fail_msg("\"%s\": %d, %u: %s", says, r, result->code, result->sentence);
}

void certificate_expect(const World *w, const char *says) {
        CheckResult result;

        certificate_assert(check_world(w, &result), &result, says);
}
