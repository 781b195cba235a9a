/* SPDX-License-Identifier: Apache-2.0 */

/* SIGN that is refused, and by whom; always answered, recorded, and the end of its session. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
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

/* Asks with @m and is refused with @code; the session ends. Return: the sentence, to be freed */
static char *assert_refused(RoleProcess *p, const MsgSign *m, RefusalCode code) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        _cleanup_fd_ int fd = calld_hello(p);
        MsgRefusal refusal;
        char *sentence;

        calld_sign(fd, m);
        refusal = calld_refusal(fd, &record);
        assert_int_equal(refusal.request_id, m->request_id);
        assert_int_equal(refusal.code, code);
        assert_int_equal(span_to_string(refusal.sentence, &sentence), 0);
        assert_true(peer_is_closed(fd));
        return sentence;
}

static void assert_recorded(RoleProcess *p, RefusalCode code, const char *destination) {
        char text[128];

        snprintf(text, sizeof(text), "\"MIDTLS_REASON\":\"%s\"", refusal_code_to_string(code));
        assert_true(role_log_has(p, text, 1));
        snprintf(text, sizeof(text), "\"MIDTLS_DESTINATION\":\"%s\"", destination);
        assert_true(!*destination || role_log_has(p, text, 1));
}

static void test_refusals_of_the_policy(void **state) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        X509 *ca = test_ca();
        RoleProcess *p = *state;
        static const struct {
                const char *alias;
                RefusalCode code;
        } rows[] = {
                {"nobody", REFUSAL_PROFILE_UNKNOWN},   {"broken", REFUSAL_PROFILE_NOT_FOR_ALIAS}, {"dangling", REFUSAL_PROFILE_NOT_FOR_ALIAS},
                {"unloaded", REFUSAL_GENERATION_GONE}, {"expired", REFUSAL_KEY_EXPIRED},          {"early", REFUSAL_KEY_EXPIRED},
                {"no-ca", REFUSAL_SERVER_CERTIFICATE}, {"bad-crl", REFUSAL_SERVER_CERTIFICATE},
        };

        test_snapshot_begin(&t, 2);
        test_snapshot_certificates(&t, 1, &ca, 1);
        test_snapshot_crl(&t, "badcrl", SPAN_LITERAL("this is no CRL"));
        test_snapshot_profile(&t, "p", 1, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_profile(&t, "unloaded", 0, PROTO_STATE_UNAVAILABLE, 0, NULL);
        test_snapshot_profile(&t, "expired", 0, PROTO_STATE_EXPIRED, 0, NULL);
        test_snapshot_profile(&t, "early", 0, PROTO_STATE_NOT_YET_VALID, 0, NULL);
        test_snapshot_profile(&t, "noca", 1, PROTO_STATE_READY, 9, test_leaf());
        test_snapshot_profile(&t, "badcrl", 1, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "broken", "p", PROTO_STATE_UNAVAILABLE, "partner.example.com", 443);
        test_snapshot_connection(&t, "dangling", "q", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "unloaded", "unloaded", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "expired", "expired", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "early", "early", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "no-ca", "noca", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_connection(&t, "bad-crl", "badcrl", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_end(&t);
        test_snapshot_send(&t, p);

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                MsgSign m = test_sign(9, 'a');

                m.alias = span_from_string(rows[i].alias);
                role_log_clear(p);
                free(assert_refused(p, &m, rows[i].code));
                assert_recorded(p, rows[i].code, i == 0 ? "" : "partner.example.com:443");
        }
        assert_true(is_silent(p->verdicts));
}

static void test_generation(void **state) {
        MsgSign m = test_sign(9, 'a');

        m.generation = 2;
        free(assert_refused(*state, &m, REFUSAL_GENERATION_GONE));
        m.generation = 0;
        free(assert_refused(*state, &m, REFUSAL_GENERATION_GONE));
}

/* Before the first snapshot nothing is known. */
static void test_no_snapshot(void **state _unused_) {
        MsgSign m = test_sign(9, 'a');
        RoleProcess p;

        role_start(&p, path, role_can_be_confined());
        free(assert_refused(&p, &m, REFUSAL_PROFILE_UNKNOWN));
        assert_int_equal(role_stop(&p), 0);
}

static void test_deadline_passed(void **state) {
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;

        m.deadline_usec = now_usec() - 1;
        free(assert_refused(p, &m, REFUSAL_INTERNAL));
        m.deadline_usec = 0;
        free(assert_refused(p, &m, REFUSAL_INTERNAL));
        assert_true(is_silent(p->verdicts));
}

static void test_check_refuses(void **state) {
        MsgSign m = test_sign(9, 'r');
        RoleProcess *p = *state;
        char *sentence = assert_refused(p, &m, REFUSAL_SNI);

        assert_string_equal(sentence, "the name is another one");
        free(sentence);
        assert_recorded(p, REFUSAL_SNI, "partner.example.com:443");
        assert_true(is_silent(p->verdicts));
}

static void test_check_fails(void **state) {
        MsgSign m = test_sign(9, 'e');
        RoleProcess *p = *state;

        free(assert_refused(p, &m, REFUSAL_INTERNAL));
        assert_recorded(p, REFUSAL_INTERNAL, "partner.example.com:443");
}

/* The policy arrives as it was said, and OpenSSL verifies a chain with CRLs under the filter. */
static void test_policy(void **state) {
        MsgSign m = test_sign(9, 'p');
        char *sentence = assert_refused(*state, &m, REFUSAL_SERVER_CERTIFICATE);

        assert_string_equal(sentence, "p 1 partner.example.com 0303 names 1 pins 2 crls 0 verify 0 cleared 1");
        free(sentence);
}

static void test_signer_refuses(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        MsgRefusal refusal;
        int fd = calld_hello(p);

        calld_sign(fd, &m);
        signer_refuse(p, signer_verdict(p, &record).request_id, REFUSAL_RATE_LIMITED);
        refusal = calld_refusal(fd, &answer);
        assert_int_equal(refusal.request_id, 9);
        assert_int_equal(refusal.code, REFUSAL_RATE_LIMITED);
        assert_true(span_is(refusal.sentence, "the signer says so"));
        assert_true(peer_is_closed(fd));
        close(fd);
}

/* Without a signer every request is refused at once. */
static void test_no_signer(void **state) {
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;

        close_fdp(&p->verdicts);
        assert_true(role_log_has(p, "The channel to the signer has broken", 1));
        free(assert_refused(p, &m, REFUSAL_INTERNAL));
}

/* A silent signer: calld is told within the time, and what comes late reaches nobody. */
static void test_silent_signer(void **state) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096), record = BUF_INIT(PROTO_RECORD_MAX);
        MsgSign m = test_sign(9, 'a');
        RoleProcess *p = *state;
        int fd = calld_hello(p);
        uint64_t id;

        calld_sign(fd, &m);
        id = signer_verdict(p, &record).request_id;
        assert_int_equal(calld_refusal(fd, &answer).code, REFUSAL_INTERNAL);
        assert_true(peer_is_closed(fd));
        close(fd);
        assert_recorded(p, REFUSAL_INTERNAL, "partner.example.com:443");

        fd = calld_hello(p);
        m.deadline_usec = deadline_after(50 * USEC_PER_MSEC);
        calld_sign(fd, &m);
        assert_int_not_equal(signer_verdict(p, &record).request_id, id);
        signer_sign(p, id);
        assert_int_equal(calld_refusal(fd, &answer).code, REFUSAL_INTERNAL);
        close(fd);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_refusals_of_the_policy, setup, teardown),
                cmocka_unit_test_setup_teardown(test_generation, setup, teardown),
                cmocka_unit_test(test_no_snapshot),
                cmocka_unit_test_setup_teardown(test_deadline_passed, setup, teardown),
                cmocka_unit_test_setup_teardown(test_check_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(test_check_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(test_policy, setup, teardown),
                cmocka_unit_test_setup_teardown(test_signer_refuses, setup, teardown),
                cmocka_unit_test_setup_teardown(test_no_signer, setup, teardown),
                cmocka_unit_test_setup_teardown(test_silent_signer, setup, teardown),
        };

        ASSERT(argc == 2);
        path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
