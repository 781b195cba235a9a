/* SPDX-License-Identifier: Apache-2.0 */

/* What calld says of itself, what it does without keyd, and how it ends */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/unit/calld/gateway/check.h"

static void test_reserved(void **state) {
        static const char *const paths[] = {"/connections", "/profiles", "/status", "/metrics", "/healthz", "/readyz"};
        static const char *const words[] = {"\"name\":\"broken\"", "\"mid\"", "\"keyd\":\"up\"", "# EOF\n", "ok", "ready"};
        Rig *r = *state;
        ANSWER(wrong);
        ANSWER(post);

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                ANSWER(a);

                rig_call(r, "midtls", "GET", paths[i], "", NO_BODY, &a);
                assert_int_equal(a.status, 200);
                if (i != 1)
                        assert_true(body_has(&a, words[i]));
        }
        rig_call(r, "midtls", "GET", "/frobnicate", "", NO_BODY, &wrong);
        assert_int_equal(wrong.status, 404);
        assert_true(body_has(&wrong, "urn:midtls:error:alias-unknown"));
        rig_call(r, "midtls", "POST", "/status", "", NO_BODY, &post);
        assert_int_equal(post.status, 405);
}

static void test_steps(void **state) {
        Rig *r = *state;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);
        ANSWER(d);

        rig_call(r, "midtls", "POST", "/test/tls13", "", NO_BODY, &a);
        assert_int_equal(a.status, 200);
        assert_true(body_has(&a, "\"ok\":true,\"steps\":[{\"name\":\"dns\",\"ok\":true"));
        assert_true(body_has(&a, "{\"name\":\"signature\",\"ok\":true"));
        assert_true(body_has(&a, "\"http_status\":200"));
        rig_call(r, "midtls", "POST", "/test/closed", "", NO_BODY, &b);
        assert_true(body_has(&b, "{\"name\":\"tcp\",\"ok\":false"));
        assert_true(body_has(&b, "{\"name\":\"tls\",\"ok\":null"));
        rig_call(r, "midtls", "POST", "/test/nobody", "", NO_BODY, &c);
        assert_true(body_has(&c, "{\"name\":\"certificate-request\",\"ok\":false"));
        rig_call(r, "midtls", "POST", "/test/broken", "", NO_BODY, &d);
        assert_true(body_has(&d, "{\"name\":\"signature\",\"ok\":false"));
        assert_true(body_has(&d, "\"ok\":false,\"steps\""));
}

/* Kept connections go on, for callers of the worker that has them; a new one is refused at once. */
static void test_keyd_gone(void **state) {
        Rig *r = *state;
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);
        static const char request[] = "GET /bytes/5 HTTP/1.1\r\nHost: tls13\r\n\r\n";
        _cleanup_fd_ int fd = http_connect(r->socket);
        unsigned status;
        ANSWER(a);
        ANSWER(b);
        ANSWER(c);

        http_send_text(fd, request);
        http_receive(fd, false, &a);
        assert_int_equal(a.status, 200);
        fake_keyd_stop(r->keyd);
        do {
                ANSWER(ready);

                rig_call(r, "midtls", "GET", "/readyz", "", NO_BODY, &ready);
                status = ready.status;
                assert_true(now_usec() < deadline);
        } while (status != 503);

        http_send_text(fd, request);
        http_receive(fd, false, &b);
        assert_int_equal(b.status, 200);
        rig_call(r, "paths", "GET", "/bytes/5", "", NO_BODY, &c);
        assert_problem(r, &c, 503, "keyd-unavailable", "proxy_internal_error");

        fake_keyd_start(r->keyd);
        do {
                ANSWER(again);

                rig_call(r, "paths", "GET", "/bytes/5", "", NO_BODY, &again);
                status = again.status;
                assert_true(now_usec() < deadline);
        } while (status != 200);
}

static void test_log_is_discreet(void **state) {
        static const char *const secrets[] = {"hush1", "hush2", "hush3"};
        Rig *r = *state;
        _cleanup_fclose_ FILE *f = NULL;
        _cleanup_free_ char *line = NULL;
        size_t size = 0;
        ANSWER(a);

        rig_call(r, "tls13", "POST", "/tell?token=hush1", "Authorization: Bearer hush2\r\n", SPAN_LITERAL("hush3"), &a);
        rig_wait_log(r, http_field(&a, "Midtls-Call-Id", 0), NULL);
        f = fopen(r->log, "re");
        assert_non_null(f);
        while (getline(&line, &size, f) > 0) {
                assert_int_equal(line[0], '{');
                for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
                        assert_null(strstr(line, secrets[i]));
        }
}

/* Last: a call under way is given its time, then everything ends with 0 (and, under a sanitizer, without leaks). */
static void test_end(void **state) {
        Rig *r = *state;
        _cleanup_fd_ _unused_ int idle = http_connect(r->socket);
        _cleanup_fd_ int busy = http_connect(r->socket);
        int status;

        http_send_text(busy, "GET /silent HTTP/1.1\r\nHost: tls13\r\n\r\n");
        status = rig_stop(r);
        if (status != 0)
                rig_show_reports(r);
        assert_int_equal(status, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_reserved),        cmocka_unit_test(test_steps), cmocka_unit_test(test_keyd_gone),
                cmocka_unit_test(test_log_is_discreet), cmocka_unit_test(test_end),
        };

        return cmocka_run_group_tests(tests, rig_set_up, rig_tear_down);
}
