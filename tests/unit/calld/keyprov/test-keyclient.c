/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calld/keyprov/keyclient.h"
#include "calld/keyprov/scheme.h"
#include "tests/unit/calld/keyprov/credentials.h"
#include "tests/unit/calld/keyprov/fake-keyd.h"

/* For TLS 1.2 any bytes will do: the fake signs them as they are. */
static const Span transcript = {(const uint8_t *) "\x01\x00\x00\x01\x00", 5};

typedef struct Fixture {
        EVP_PKEY *key;
        FakeKeyd *keyd;
        KeyClient *client;
} Fixture;

static int setup(void **state) {
        Fixture *f = calloc(1, sizeof(*f));

        f->key = credentials_make_key("ed25519");
        f->keyd = fake_keyd_new(f->key);
        fake_keyd_start(f->keyd);
        if (keyclient_new(fake_keyd_connect, f->keyd, NULL, NULL, &f->client) != 0)
                return -1;
        keyclient_set_timeout(f->client, 100 * USEC_PER_MSEC);
        *state = f;
        return 0;
}

static int teardown(void **state) {
        Fixture *f = *state;

        keyclient_free(f->client);
        fake_keyd_free(f->keyd);
        EVP_PKEY_free(f->key);
        free(f);
        return 0;
}

static int ask(KeyClient *client, HandshakeFailure *ret_failure, char *ret_sentence) {
        _cleanup_(handshake_unrefp) Handshake *h = NULL;
        uint8_t signature[PROTO_SIGNATURE_MAX];
        size_t size = 0;
        int r;

        assert_int_equal(handshake_new(SPAN_LITERAL("crm"), 1, SPAN_LITERAL("id"), &h), 0);
        r = keyclient_sign(client, h, TLS_VERSION_1_2, TLS_SCHEME_ED25519, transcript, 64, 64, signature, &size);
        if (r == 0)
                assert_int_equal(size, 64);
        *ret_failure = h->failure;
        if (ret_sentence)
                snprintf(ret_sentence, 128, "%.127s", h->sentence);
        return r;
}

static void test_one_connection(void **state) {
        HandshakeFailure failure;
        Fixture *f = *state;

        for (unsigned i = 0; i < 10; i++)
                assert_int_equal(ask(f->client, &failure, NULL), 0);
        assert_int_equal(f->keyd->n_connections, 1);
        assert_int_equal(f->keyd->n_signatures, 10);
}

/* After each surprise the connection is closed, and the next signature is good on a new one. */
static void test_surprises(void **state) {
        static const FakeMode modes[] = {FAKE_SILENT, FAKE_GARBAGE, FAKE_WRONG_ID, FAKE_CLOSE, FAKE_LONG, FAKE_REFUSE, FAKE_OLD_VERSION};
        HandshakeFailure failure;
        Fixture *f = *state;

        for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
                f->keyd->mode = (int) modes[i];
                if (modes[i] == FAKE_OLD_VERSION) {
                        fake_keyd_stop(f->keyd);
                        fake_keyd_start(f->keyd);
                }
                assert_int_equal(ask(f->client, &failure, NULL), KEYCLIENT_E_NO_SIGNATURE);
                assert_int_equal(failure, modes[i] == FAKE_REFUSE ? HANDSHAKE_FAILURE_REFUSED : HANDSHAKE_FAILURE_KEYD_UNAVAILABLE);
                f->keyd->mode = FAKE_SIGN;
                assert_int_equal(ask(f->client, &failure, NULL), 0);
                assert_int_equal(failure, HANDSHAKE_FAILURE_NONE);
        }
}

static void test_refusal(void **state) {
        HandshakeFailure failure;
        char sentence[128];
        Fixture *f = *state;

        f->keyd->mode = FAKE_REFUSE;
        assert_int_equal(ask(f->client, &failure, sentence), KEYCLIENT_E_NO_SIGNATURE);
        assert_int_equal(failure, HANDSHAKE_FAILURE_REFUSED);
        assert_string_equal(sentence, "the name is another one");
}

/*
 * A second answer lies in the socket: it must not be taken for the next request's. It is noticed before the next request goes out, or, when it
 * comes later than that, by its number.
 */
static void test_late_answer(void **state) {
        HandshakeFailure failure;
        Fixture *f = *state;

        f->keyd->mode = FAKE_TWICE;
        assert_int_equal(ask(f->client, &failure, NULL), 0);
        for (unsigned i = 0; i < 5; i++)
                assert_true(ask(f->client, &failure, NULL) == 0 || failure == HANDSHAKE_FAILURE_KEYD_UNAVAILABLE);
        assert_true(f->keyd->n_connections > 1);
}

/* keyd was restarted in between. */
static void test_restart(void **state) {
        HandshakeFailure failure;
        Fixture *f = *state;

        assert_int_equal(ask(f->client, &failure, NULL), 0);
        fake_keyd_stop(f->keyd);
        assert_int_equal(ask(f->client, &failure, NULL), KEYCLIENT_E_NO_SIGNATURE);
        assert_int_equal(failure, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE);
        fake_keyd_start(f->keyd);
        assert_int_equal(ask(f->client, &failure, NULL), 0);
}

static bool never_up(const void *userdata) {
        (void) userdata;
        return false;
}

static void test_known_to_be_down(void **state) {
        _cleanup_(keyclient_freep) KeyClient *client = NULL;
        HandshakeFailure failure;
        Fixture *f = *state;

        assert_int_equal(keyclient_new(fake_keyd_connect, f->keyd, never_up, NULL, &client), 0);
        assert_int_equal(ask(client, &failure, NULL), KEYCLIENT_E_NO_SIGNATURE);
        assert_int_equal(failure, HANDSHAKE_FAILURE_KEYD_UNAVAILABLE);
        assert_int_equal(f->keyd->n_connections, 0);
}

static void test_scheme(void **state) {
        (void) state;
        assert_int_equal(scheme_find(SCHEME_KEY_RSA, 256, true), TLS_SCHEME_RSA_PSS_RSAE_SHA256);
        assert_int_equal(scheme_find(SCHEME_KEY_RSA, 512, false), TLS_SCHEME_RSA_PKCS1_SHA512);
        assert_int_equal(scheme_find(SCHEME_KEY_EC, 384, false), TLS_SCHEME_ECDSA_SECP384R1_SHA384);
        assert_int_equal(scheme_find(SCHEME_KEY_EC, 256, true), 0);
        assert_int_equal(scheme_find(SCHEME_KEY_RSA, 0, true), 0);
        assert_int_equal(scheme_find(SCHEME_KEY_ED25519, 0, false), TLS_SCHEME_ED25519);
        assert_int_equal(scheme_digest_bits("SHA2-384"), 384);
        assert_int_equal(scheme_digest_bits("sha256"), 256);
        assert_int_equal(scheme_digest_bits("SHA1"), 0);
        assert_int_equal(scheme_digest_bits("MD5-SHA1"), 0);
        assert_int_equal(scheme_digest_bits("SHA2-224"), 0);
        assert_int_equal(scheme_digest_bits(NULL), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_one_connection, setup, teardown),
                cmocka_unit_test_setup_teardown(test_surprises, setup, teardown),
                cmocka_unit_test_setup_teardown(test_refusal, setup, teardown),
                cmocka_unit_test_setup_teardown(test_late_answer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
                cmocka_unit_test_setup_teardown(test_known_to_be_down, setup, teardown),
                cmocka_unit_test(test_scheme),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
