/* SPDX-License-Identifier: Apache-2.0 */

/* Whole handshakes in memory: each key type with both TLS versions; the server accepts only if the right transcript was signed */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/err.h>
#include <openssl/provider.h>

#include "calld/keyprov/handle.h"
#include "calld/keyprov/library.h"
#include "tests/unit/calld/keyprov/credentials.h"
#include "tests/unit/calld/keyprov/fake-keyd.h"

typedef struct Peers {
        EVP_PKEY *client_key, *server_key, *public_key;
        X509 *client_certificate, *server_certificate;
        FakeKeyd *keyd;
        KeyClient *client;
        Handshake *handshake;
        SSL_CTX *client_ctx, *server_ctx;
        SSL *client_ssl, *server_ssl;
        bool refused; /* by the server */
} Peers;

static void peers_make(Peers *p, const char *key_type, int version) {
        EVP_PKEY *handle = NULL;

        *p = (Peers) {};
        p->client_key = credentials_make_key(key_type);
        p->server_key = credentials_make_key("ec-p256");
        p->client_certificate = credentials_make_certificate(p->client_key, "client", p->client_key, NULL);
        p->server_certificate = credentials_make_certificate(p->server_key, "server", p->server_key, NULL);
        p->public_key = X509_get0_pubkey(p->client_certificate);
        p->keyd = fake_keyd_new(p->client_key);
        fake_keyd_start(p->keyd);
        assert_int_equal(keyclient_new(fake_keyd_connect, p->keyd, NULL, NULL, &p->client), 0);
        assert_int_equal(handshake_new(SPAN_LITERAL("crm"), 7, SPAN_LITERAL("call-1"), &p->handshake), 0);
        assert_int_equal(handle_new(p->public_key, p->handshake, p->client, &handle), 0);

        p->client_ctx = SSL_CTX_new(TLS_client_method());
        assert_int_equal(SSL_CTX_use_certificate(p->client_ctx, p->client_certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(p->client_ctx, handle), 1);
        EVP_PKEY_free(handle);
        assert_int_equal(handshake_attach(p->handshake, p->client_ctx), 0);
        SSL_CTX_set_min_proto_version(p->client_ctx, version);
        SSL_CTX_set_max_proto_version(p->client_ctx, version);

        p->server_ctx = SSL_CTX_new(TLS_server_method());
        assert_int_equal(SSL_CTX_use_certificate(p->server_ctx, p->server_certificate), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(p->server_ctx, p->server_key), 1);
        assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(p->server_ctx), p->client_certificate), 1);
        SSL_CTX_set_verify(p->server_ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        ERR_clear_error();
}

static void peers_connect(Peers *p) {
        BIO *a, *b;

        assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
        p->client_ssl = SSL_new(p->client_ctx);
        p->server_ssl = SSL_new(p->server_ctx);
        SSL_set_bio(p->client_ssl, a, a);
        SSL_set_bio(p->server_ssl, b, b);
        SSL_set_connect_state(p->client_ssl);
        SSL_set_accept_state(p->server_ssl);
}

/* Return: true when both sides have finished */
static bool peers_handshake(Peers *p) {
        for (unsigned i = 0; i < 50; i++) {
                int r1, r2;

                r1 = SSL_do_handshake(p->client_ssl);
                if (r1 != 1 && SSL_get_error(p->client_ssl, r1) != SSL_ERROR_WANT_READ)
                        return false;
                r2 = SSL_do_handshake(p->server_ssl);
                if (r2 != 1 && SSL_get_error(p->server_ssl, r2) != SSL_ERROR_WANT_READ)
                        return false;
                if (r1 == 1 && r2 == 1)
                        return true;
        }
        return false;
}

static void peers_done(Peers *p) {
        SSL_free(p->client_ssl);
        SSL_free(p->server_ssl);
        SSL_CTX_free(p->client_ctx);
        SSL_CTX_free(p->server_ctx);
        handshake_unref(p->handshake);
        keyclient_free(p->client);
        fake_keyd_free(p->keyd);
        X509_free(p->client_certificate);
        X509_free(p->server_certificate);
        EVP_PKEY_free(p->client_key);
        EVP_PKEY_free(p->server_key);
        ERR_clear_error();
}

static const char *const key_types[] = {"rsa-2048", "ec-p256", "ec-p384", "ed25519", "ed448"};
static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void test_matrix(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(key_types); i++)
                for (size_t k = 0; k < ARRAY_SIZE(versions); k++) {
                        Peers p;

                        peers_make(&p, key_types[i], versions[k]);
                        peers_connect(&p);
                        assert_true(peers_handshake(&p));
                        assert_int_equal(SSL_version(p.server_ssl), versions[k]);
                        assert_int_equal(SSL_get_verify_result(p.server_ssl), X509_V_OK);
                        assert_int_equal(p.keyd->n_requests, 1);
                        assert_true(p.handshake->is_signed);
                        assert_true(p.handshake->certificate_requested && p.handshake->certificate_sent);
                        assert_true(p.handshake->frozen);
                        assert_int_equal(p.handshake->transcript.size, 0);
                        assert_int_equal(p.handshake->alert_received, HANDSHAKE_ALERT_NONE);
                        peers_done(&p);
                }
}

/* A server that takes no X25519 answers with a HelloRetryRequest. */
static void test_hello_retry(void **state) {
        Peers p;

        (void) state;
        peers_make(&p, "ec-p256", TLS1_3_VERSION);
        assert_int_equal(SSL_CTX_set1_groups_list(p.server_ctx, "P-384"), 1);
        peers_connect(&p);
        assert_true(peers_handshake(&p));
        assert_true(p.handshake->is_signed);
        peers_done(&p);
}

/* No certificate was asked for: no signature, and nothing is wrong. */
static void test_not_requested(void **state) {
        Peers p;

        (void) state;
        peers_make(&p, "ec-p256", TLS1_3_VERSION);
        SSL_CTX_set_verify(p.server_ctx, SSL_VERIFY_NONE, NULL);
        peers_connect(&p);
        assert_true(peers_handshake(&p));
        assert_false(p.handshake->is_signed);
        assert_false(p.handshake->certificate_requested);
        assert_int_equal(p.keyd->n_requests, 0);
        peers_done(&p);
}

/* The server takes no algorithm of the key: an empty Certificate, which must be visible. */
static void test_no_common_algorithm(void **state) {
        Peers p;

        (void) state;
        peers_make(&p, "ed25519", TLS1_3_VERSION);
        assert_int_equal(SSL_CTX_set1_client_sigalgs_list(p.server_ctx, "ECDSA+SHA256"), 1);
        SSL_CTX_set_verify(p.server_ctx, SSL_VERIFY_PEER, NULL);
        peers_connect(&p);
        peers_handshake(&p);
        assert_true(p.handshake->certificate_requested);
        assert_true(p.handshake->certificate_empty);
        assert_false(p.handshake->is_signed);
        assert_int_equal(p.keyd->n_requests, 0);
        peers_done(&p);
}

static void test_failures(void **state) {
        static const struct {
                FakeMode mode;
                HandshakeFailure failure;
        } cases[] = {
                {FAKE_SILENT, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},      {FAKE_GARBAGE, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},
                {FAKE_WRONG_ID, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},    {FAKE_REFUSE, HANDSHAKE_FAILURE_REFUSED},
                {FAKE_CLOSE, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},       {FAKE_LONG, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},
                {FAKE_OLD_VERSION, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE},
        };

        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
                for (size_t k = 0; k < ARRAY_SIZE(versions); k++) {
                        Peers p;

                        peers_make(&p, "ec-p256", versions[k]);
                        if (cases[i].mode == FAKE_SILENT)
                                keyclient_set_timeout(p.client, 50 * USEC_PER_MSEC);
                        p.keyd->mode = (int) cases[i].mode;
                        peers_connect(&p);
                        assert_false(peers_handshake(&p));
                        assert_int_equal(p.handshake->failure, cases[i].failure);
                        assert_false(p.handshake->is_signed);
                        peers_done(&p);
                }
}

/* The private half is to be had nowhere, and no other verb than a TLS signature works. */
static void test_no_other_use(void **state) {
        OSSL_PARAM *params = NULL;
        EVP_PKEY *handle = NULL;
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        uint8_t signature[256];
        size_t size = sizeof(signature);
        Peers p;

        (void) state;
        peers_make(&p, "ec-p256", TLS1_3_VERSION);
        assert_int_equal(handle_new(p.public_key, p.handshake, p.client, &handle), 0);
        assert_int_not_equal(EVP_PKEY_todata(handle, EVP_PKEY_KEYPAIR, &params), 1);
        assert_int_equal(EVP_PKEY_get_bits(handle), 256);

        assert_int_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, handle), 1);
        assert_int_not_equal(EVP_DigestSign(ctx, signature, &size, (const uint8_t *) "text", 4), 1);
        assert_int_equal(p.handshake->failure, HANDSHAKE_FAILURE_TRANSCRIPT);
        assert_int_equal(p.keyd->n_requests, 0);

        EVP_MD_CTX_free(ctx);
        ctx = EVP_MD_CTX_new();
        assert_int_not_equal(EVP_DigestSignInit(ctx, NULL, EVP_sha1(), NULL, handle), 1);
        EVP_MD_CTX_free(ctx);
        EVP_PKEY_free(handle);
        peers_done(&p);
}

/* libssl takes a handle with the certificate it belongs to, and with no other. */
static void test_belongs_together(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(key_types); i++) {
                EVP_PKEY *other_key = credentials_make_key(key_types[i]), *handle = NULL;
                X509 *other = credentials_make_certificate(other_key, "client", other_key, NULL);
                Peers p;

                peers_make(&p, key_types[i], TLS1_3_VERSION);
                assert_int_equal(handle_new(p.public_key, p.handshake, p.client, &handle), 0);
                assert_int_equal(X509_check_private_key(p.client_certificate, handle), 1);
                assert_int_equal(X509_check_private_key(p.client_certificate, handle), 1);
                assert_int_equal(X509_check_private_key(other, handle), 0);

                EVP_PKEY_free(handle);
                X509_free(other);
                EVP_PKEY_free(other_key);
                peers_done(&p);
        }
}

/* Other keys stay with the default provider's algorithms. */
static void test_default_provider(void **state) {
        EVP_PKEY *key = credentials_make_key("ec-p256");

        (void) state;
        assert_string_equal(OSSL_PROVIDER_get0_name(EVP_PKEY_get0_provider(key)), "midtls-default");
        EVP_PKEY_free(key);
}

static int setup(void **state) {
        Library *library = NULL;

        if (library_new(&library) < 0)
                return -1;
        library_enter(library);
        *state = library;
        return 0;
}

static int teardown(void **state) {
        library_enter(NULL);
        library_free(*state);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_matrix),           cmocka_unit_test(test_hello_retry),
                cmocka_unit_test(test_not_requested),    cmocka_unit_test(test_no_common_algorithm),
                cmocka_unit_test(test_failures),         cmocka_unit_test(test_no_other_use),
                cmocka_unit_test(test_belongs_together), cmocka_unit_test(test_default_provider),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
