/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/record.h"

#include "calld/keyprov/handshake.h"
#include "keyd/crypto/ossl.h"

typedef struct Tape {
        Recording *recording;
        bool stopped;
} Tape;

void recording_done(Recording *r) {
        buf_done(&r->transcript);
}

/* The CertificateVerify is what is about to be signed for: the tape ends before it and only its scheme is noted. */
static void on_message(int sent, int version, int type, const void *data, size_t size, SSL *ssl, void *arg) {
        const uint8_t *bytes = data;
        Tape *t = arg;

        (void) version;
        (void) ssl;
        if (type != SSL3_RT_HANDSHAKE || t->stopped)
                return;

        if (sent && bytes[0] == SSL3_MT_CERTIFICATE_VERIFY) {
                t->recording->scheme = (uint16_t) (bytes[4] << 8 | bytes[5]);
                t->stopped = true;
                return;
        }
        ASSERT(buf_append(&t->recording->transcript, data, size) == 0);
}

static int accept_any(X509_STORE_CTX *ctx, void *arg) {
        (void) ctx;
        (void) arg;
        return 1;
}

static int select_first(SSL *ssl, const unsigned char **out, unsigned char *out_size, const unsigned char *in, unsigned in_size, void *arg) {
        (void) ssl;
        (void) arg;
        (void) in_size;
        *out = in + 1;
        *out_size = in[0];
        return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_ctx(const SSL_METHOD *method, X509 *leaf, EVP_PKEY *key, STACK_OF(X509) *chain) {
        SSL_CTX *ctx = SSL_CTX_new(method);

        ASSERT(ctx);
        SSL_CTX_set_security_level(ctx, 0);
        SSL_CTX_set_options(ctx, HANDSHAKE_NO_CERTIFICATE_COMPRESSION);
        SSL_CTX_set_mode(ctx, SSL_MODE_NO_AUTO_CHAIN);
        SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
        ASSERT(SSL_CTX_use_certificate(ctx, leaf) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1);
        ASSERT(!chain || SSL_CTX_set1_chain(ctx, chain) == 1);
        return ctx;
}

static SSL_CTX *new_server(const RecordSpec *s) {
        SSL_CTX *ctx = new_ctx(TLS_server_method(), s->server_leaf, s->server_key, s->server_chain);

        if (!s->ask_after)
                SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        ASSERT(SSL_CTX_set_max_proto_version(ctx, s->version) == 1);
        ASSERT(!s->server_groups || SSL_CTX_set1_groups_list(ctx, s->server_groups) == 1);
        ASSERT(!s->server_suites_1_2 || SSL_CTX_set_cipher_list(ctx, s->server_suites_1_2) == 1);
        ASSERT(!s->server_schemes || SSL_CTX_set1_sigalgs_list(ctx, s->server_schemes) == 1);
        if (s->ems_off)
                SSL_CTX_set_options(ctx, SSL_OP_NO_EXTENDED_MASTER_SECRET);
        if (s->alpn)
                SSL_CTX_set_alpn_select_cb(ctx, select_first, NULL);
        return ctx;
}

static SSL_CTX *new_client(const RecordSpec *s, Tape *tape) {
        SSL_CTX *ctx = new_ctx(TLS_client_method(), s->client_leaf, s->client_key, NULL);

        if (!s->server_max_1_2)
                ASSERT(SSL_CTX_set_max_proto_version(ctx, s->version) == 1);
        ASSERT(SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1);
        ASSERT(!s->suites_1_3 || SSL_CTX_set_ciphersuites(ctx, s->suites_1_3) == 1);
        ASSERT(!s->client_schemes || SSL_CTX_set1_sigalgs_list(ctx, s->client_schemes) == 1);
        ASSERT(!s->alpn || SSL_CTX_set_alpn_protos(ctx, (const uint8_t *) s->alpn, (unsigned) strlen(s->alpn)) == 0);
        if (s->ask_after)
                SSL_CTX_set_post_handshake_auth(ctx, 1);
        SSL_CTX_set_msg_callback(ctx, on_message);
        SSL_CTX_set_msg_callback_arg(ctx, tape);
        return ctx;
}

static void step(SSL *ssl) {
        char byte;

        if (!SSL_is_init_finished(ssl))
                ignore_result(SSL_do_handshake(ssl), "the tape tells");
        else
                ignore_result(SSL_read(ssl, &byte, 1), "takes what comes after the handshake");
        ERR_clear_error();
}

/* Ends when the client has signed; a connection in memory never waits, so a bounded number of turns is enough. */
static void run(const RecordSpec *s, SSL *client, SSL *server, Tape *tape) {
        bool asked = false;

        for (unsigned i = 0; i < 20 && !tape->stopped; i++) {
                step(client);
                step(server);
                if (s->ask_after && !asked && SSL_is_init_finished(server)) {
                        /* only what follows belongs to the post-handshake authentication */
                        SSL_set_verify(server, SSL_VERIFY_PEER, NULL);
                        ASSERT(SSL_verify_client_post_handshake(server) == 1);
                        step(server);
                        asked = true;
                }
        }
        ASSERT(tape->stopped);
}

void record_handshake(const RecordSpec *spec, Recording *ret) {
        Tape tape = {.recording = ret};
        SSL_CTX *client_ctx = new_client(spec, &tape), *server_ctx = new_server(spec);
        SSL *client = SSL_new(client_ctx), *server = SSL_new(server_ctx);
        BIO *to_server = BIO_new(BIO_s_mem()), *to_client = BIO_new(BIO_s_mem());

        *ret = (Recording) {.transcript = BUF_INIT(PROTO_TRANSCRIPT_MAX)};
        ASSERT(client && server && to_server && to_client);
        BIO_set_mem_eof_return(to_server, -1);
        BIO_set_mem_eof_return(to_client, -1);
        ASSERT(BIO_up_ref(to_server) == 1 && BIO_up_ref(to_client) == 1);
        SSL_set_bio(client, to_client, to_server);
        SSL_set_bio(server, to_server, to_client);
        SSL_set_connect_state(client);
        SSL_set_accept_state(server);
        ASSERT(!spec->host || SSL_set_tlsext_host_name(client, spec->host) == 1);

        run(spec, client, server, &tape);

        SSL_free(client);
        SSL_free(server);
        SSL_CTX_free(client_ctx);
        SSL_CTX_free(server_ctx);
}
