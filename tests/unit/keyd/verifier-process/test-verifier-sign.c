/* SPDX-License-Identifier: Apache-2.0 */

/* SIGN on its way: policy, check, signer, answer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <poll.h>

#include "tests/unit/keyd/verifier-process/peer.h"

static const char *path;

static int setup(void **state) {
        static RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        test_snapshot_send_simple(&p, 1, 1);
        *state = &p;
        return 0;
}

static int teardown(void **state) {
        ASSERT(role_stop(*state) == 0);
        return 0;
}

static bool is_silent(int fd) {
        struct pollfd p = {.fd = fd, .events = POLLIN};

        return poll(&p, 1, 0) == 0;
}

static void test_tls13(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        uint8_t digest[32], hash[48];
        RoleProcess *p = *state;
        MsgSignature signature;
        MsgVerdict verdict;
        char expected[32];
        int fd = calld_hello(p);

        calld_sign(fd, &m);
        verdict = signer_verdict(p, &record);
        assert_true(span_is(verdict.alias, "crm"));
        assert_int_equal(verdict.generation, 1);
        assert_true(span_is(verdict.call_id, "call-1"));
        assert_int_equal(verdict.tls_version, TLS_VERSION_1_3);
        assert_int_equal(verdict.scheme, TLS_SCHEME_ECDSA_SECP256R1_SHA256);
        assert_true(span_is(verdict.destination, "partner.example.com:443"));
        assert_true(verdict.deadline_usec <= now_usec() + 2 * USEC_PER_SEC);
        assert_int_equal(verdict.server_spki_sha256[31], 0x5a);
        memset(hash, 0xa5, sizeof(hash));
        assert_true(span_equal(verdict.to_sign, span_make(hash, sizeof(hash))));
        assert_int_equal(EVP_Digest(m.transcript.data, m.transcript.size, digest, NULL, EVP_sha256(), NULL), 1);
        assert_memory_equal(verdict.transcript_sha256, digest, 32);

        signer_sign(p, verdict.request_id);
        signature = calld_signature(fd, &answer);
        assert_int_equal(signature.request_id, 9);
        snprintf(expected, sizeof(expected), "signature %llu", (unsigned long long) verdict.request_id);
        assert_true(span_is(signature.signature, expected));
        close(fd);
}

/* The messages themselves are what is signed. */
static void test_tls12(void **state) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        MsgVerdict verdict;
        int fd = calld_hello(p);

        m.tls_version = TLS_VERSION_1_2;
        m.scheme = TLS_SCHEME_RSA_PKCS1_SHA256;
        calld_sign(fd, &m);
        verdict = signer_verdict(p, &record);
        assert_int_equal(verdict.tls_version, TLS_VERSION_1_2);
        assert_int_equal(verdict.scheme, TLS_SCHEME_RSA_PKCS1_SHA256);
        assert_true(span_equal(verdict.to_sign, m.transcript));
        close(fd);
}

/* Two sessions at once: each gets the answer to its own request, whatever the order of the signer's answers. */
static void test_two_sessions(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        int first = calld_hello(p), second = calld_hello(p);
        uint64_t first_id, second_id;
        char expected[32];

        calld_sign(first, &m);
        first_id = signer_verdict(p, &record).request_id;
        m.request_id = 9; /* the same number on another connection */
        calld_sign(second, &m);
        second_id = signer_verdict(p, &record).request_id;
        assert_int_not_equal(first_id, second_id);

        signer_sign(p, second_id);
        snprintf(expected, sizeof(expected), "signature %llu", (unsigned long long) second_id);
        assert_true(span_is(calld_signature(second, &answer).signature, expected));
        assert_true(is_silent(first));
        signer_sign(p, first_id);
        snprintf(expected, sizeof(expected), "signature %llu", (unsigned long long) first_id);
        assert_true(span_is(calld_signature(first, &answer).signature, expected));
        close(first);
        close(second);
}

/* Answers of which nobody waits, or that are none. */
static void test_foreign_answers(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        int fd = calld_hello(p);
        uint64_t id;

        calld_sign(fd, &m);
        id = signer_verdict(p, &record).request_id;
        signer_sign(p, id + 1);
        signer_refuse(p, id - 1, REFUSAL_REPLAY);
        signer_sign(p, 9);
        peer_send(p->verdicts, SPAN_LITERAL("\x87garbage"));
        peer_send(p->verdicts, SPAN_LITERAL("\x44"));
        peer_send_fds(p->verdicts, SPAN_LITERAL("\x87"), STDERR_FILENO, 1);
        signer_sign(p, id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 9);

        /* the same again: it has been answered */
        signer_sign(p, id);
        m = test_sign(10, 'a');
        calld_sign(fd, &m);
        signer_sign(p, signer_verdict(p, &record).request_id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 10);
        close(fd);
}

/* calld has gone before the answer: the next one on that slot gets its own. */
static void test_calld_gone(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        int fd = calld_hello(p);
        uint64_t id;

        calld_sign(fd, &m);
        id = signer_verdict(p, &record).request_id;
        close(fd);

        fd = calld_hello(p);
        calld_sign(fd, &m);
        signer_sign(p, id);
        signer_sign(p, signer_verdict(p, &record).request_id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 9);
        close(fd);
}

/* The second request of a session waits until the first is answered. */
static void test_in_order(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign first = test_sign(1, 'a'), second = test_sign(2, 'a');
        RoleProcess *p = *state;
        int fd = calld_hello(p), other = calld_hello(p);
        uint64_t id;

        calld_sign(fd, &first);
        calld_sign(fd, &second);
        id = signer_verdict(p, &record).request_id;

        /* Another session passes it, so the verifier is at work and has left the second request alone. */
        calld_sign(other, &first);
        signer_sign(p, signer_verdict(p, &record).request_id);
        assert_int_equal(calld_signature(other, &answer).request_id, 1);
        assert_true(is_silent(p->verdicts));

        signer_sign(p, id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 1);
        signer_sign(p, signer_verdict(p, &record).request_id);
        assert_int_equal(calld_signature(fd, &answer).request_id, 2);
        close(fd);
        close(other);
}

/* More verdicts than the socket holds: all are sent in the end. */
static void test_full_channel(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        static uint8_t large[100000] = {1, 1, 0x86, 0x9c, 'a'};
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        int fds[20];

        m.tls_version = TLS_VERSION_1_2;
        m.transcript = span_make(large, sizeof(large));
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                fds[i] = calld_hello(p);
                calld_sign(fds[i], &m);
        }
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
                signer_sign(p, signer_verdict(p, &record).request_id);
        for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
                assert_int_equal(calld_signature(fds[i], &answer).request_id, 9);
                close(fds[i]);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_tls13, setup, teardown),
                cmocka_unit_test_setup_teardown(test_tls12, setup, teardown),
                cmocka_unit_test_setup_teardown(test_two_sessions, setup, teardown),
                cmocka_unit_test_setup_teardown(test_foreign_answers, setup, teardown),
                cmocka_unit_test_setup_teardown(test_calld_gone, setup, teardown),
                cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
                cmocka_unit_test_setup_teardown(test_full_channel, setup, teardown),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
