/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/world.h"

static X509 *make_ca(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key) {
        return pki_certificate(&(CertificateSpec) {
                .name = name,
                .key = key,
                .issuer = issuer,
                .issuer_key = issuer_key,
                .ca = true,
                .key_usage = "critical,keyCertSign,cRLSign",
        });
}

CertificateSpec world_server_spec(const World *w) {
        return (CertificateSpec) {
                .name = "not looked at",
                .key = w->server_key,
                .issuer = w->intermediate,
                .issuer_key = w->intermediate_key,
                .alt_names = "DNS:" WORLD_HOST,
                .key_usage = "critical,digitalSignature",
                .ext_key_usage = "serverAuth",
        };
}

void world_set_server(World *w, const CertificateSpec *spec) {
        X509_free(w->server_leaf);
        w->server_leaf = pki_certificate(spec);
        w->server_key = spec->key;
}

static EVP_PKEY *key_of(const char *kind, const char *who) {
        char name[32];

        snprintf(name, sizeof(name), "%s#%s", kind, who);
        return pki_key(name);
}

void world_init(World *w, const char *ca_kind, const char *server_kind, const char *client_kind) {
        CertificateSpec server;

        *w = (World) {
                /* pki's */
                .root_key = key_of(ca_kind, "root"),
                .intermediate_key = key_of(ca_kind, "intermediate"),
                .server_key = key_of(server_kind, "server"),
                .client_key = key_of(client_kind, "client"),
        };
        w->root = make_ca("root", w->root_key, NULL, NULL);
        w->intermediate = make_ca("intermediate", w->intermediate_key, w->root, w->root_key);
        w->chain = sk_X509_new_null();
        w->store = X509_STORE_new();
        ASSERT(w->chain && w->store && sk_X509_push(w->chain, w->intermediate) > 0 && X509_STORE_add_cert(w->store, w->root) == 1);

        server = world_server_spec(w);
        world_set_server(w, &server);
        w->client_leaf = pki_certificate(&(CertificateSpec) {.name = "client", .key = w->client_key, .ext_key_usage = "clientAuth"});

        w->policy = (CheckPolicy) {
                .profile = SPAN_LITERAL("mauth"),
                .generation = 1,
                .host = SPAN_LITERAL(WORLD_HOST),
                .allowed_names = &w->allowed_names,
                .pins = &w->pins,
                .minimum_tls = TLS_VERSION_1_2,
                .store = w->store,
                .client_leaf = w->client_leaf,
        };
}

void world_done(World *w) {
        sk_X509_free(w->chain);
        X509_STORE_free(w->store);
        X509_free(w->root);
        X509_free(w->intermediate);
        X509_free(w->server_leaf);
        X509_free(w->client_leaf);
        *w = (World) {};
}

RecordSpec world_record_spec(const World *w, uint16_t version) {
        return (RecordSpec) {
                .version = version,
                .host = WORLD_HOST,
                .server_leaf = w->server_leaf,
                .client_leaf = w->client_leaf,
                .server_key = w->server_key,
                .client_key = w->client_key,
                .server_chain = w->chain,
        };
}

int world_check(const World *w, ChainCache *cache, uint16_t version, uint16_t scheme, Span transcript, CheckResult *ret) {
        /* never NULL, and never larger than what the check may read */
        _cleanup_free_ uint8_t *copy = malloc(MAX_OF(transcript.size, 1U));

        ASSERT(copy);
        if (transcript.size > 0)
                memcpy(copy, transcript.data, transcript.size);
        return check_handshake(&w->policy, cache, PKI_NOW, version, scheme, span_make(copy, transcript.size), ret);
}

int world_check_genuine(const World *w, const RecordSpec *spec, CheckResult *ret) {
        Recording recording;
        int r;

        record_handshake(spec, &recording);
        r = world_check(w, NULL, spec->version, recording.scheme, buf_span(&recording.transcript), ret);
        recording_done(&recording);
        return r;
}
