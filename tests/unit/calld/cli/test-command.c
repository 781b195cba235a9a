/* SPDX-License-Identifier: Apache-2.0 */

/* The command itself, against a server that answers as calld would */

#include <fcntl.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/unit/calld/cli/canned-answers.h"

static const char *program; /* the command's path, the test's argument */

typedef struct Run {
        FakeCalld *server;
        int status;
        char *out, *err;
} Run;

static char *read_all(int fd) {
        off_t size = lseek(fd, 0, SEEK_END);
        char *text = calloc(1, (size_t) size + 1);

        assert_int_equal(pread(fd, text, (size_t) size, 0), size);
        close(fd);
        return text;
}

/* @input is what a pipe on standard input holds. */
static void run_words(Run *run, const char *input, const char *const *words, size_t n_words) {
        const char *argv[16] = {program, "--socket", run->server->path};
        int out = memfd_create("out", MFD_CLOEXEC), err = memfd_create("err", MFD_CLOEXEC), ends[2], status;
        posix_spawn_file_actions_t actions;
        pid_t pid;

        memcpy(argv + 3, words, n_words * sizeof(*words));
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(write(ends[1], input, strlen(input)), strlen(input));
        close(ends[1]);

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
        posix_spawn_file_actions_adddup2(&actions, out, 1);
        posix_spawn_file_actions_adddup2(&actions, err, 2);
        assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char *const *) argv, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        close(ends[0]);

        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        free(run->out);
        free(run->err);
        run->status = WEXITSTATUS(status);
        run->out = read_all(out);
        run->err = read_all(err);
}

#define RUN_INPUT(run, input, ...)                                     \
        do {                                                           \
                const char *const _words[] = {__VA_ARGS__};            \
                run_words((run), (input), _words, ARRAY_SIZE(_words)); \
        } while (0)
#define RUN(run, ...) RUN_INPUT(run, "", __VA_ARGS__)

static void contains(const char *text, const char *part) {
        if (!strstr(text, part))
                fail_msg("no \"%s\" in: %s", part, text);
}

static void lacks(const char *text, const char *part) {
        if (strstr(text, part))
                fail_msg("\"%s\" in: %s", part, text);
}

static void sent(Run *run, const char *part) {
        _cleanup_free_ char *request = fake_calld_take_request(run->server);

        contains(request, part);
}

static int setup(void **state) {
        Run *run = calloc(1, sizeof(*run));

        run->server = fake_calld_new(canned_answers);
        *state = run;
        return 0;
}

static int teardown(void **state) {
        Run *run = *state;

        fake_calld_free(run->server);
        free(run->out);
        free(run->err);
        free(run);
        return 0;
}

static void test_status(void **state) {
        Run *run = *state;

        RUN(run, "status");
        assert_int_equal(run->status, 0);
        contains(run->out, "MID: mid-1\n");
        contains(run->out, "keyd: up");
        contains(run->out, "1min 30s");
        lacks(run->out, "\x1b");
}

static void test_list(void **state) {
        Run *run = *state;

        RUN(run, "list");
        assert_int_equal(run->status, 0);
        contains(run->out, "crm      https://localhost:8443/api  CN=client");
        contains(run->out, "unavailable");
        contains(run->out, "1 not ready; midtls show NAME tells why.");
        lacks(run->out, "\x1b");

        RUN(run, "list", "--no-legend");
        lacks(run->out, "NAME");
        RUN(run, "list", "--color");
        contains(run->out, "\x1b[32mready\x1b[0m");
        RUN(run, "list", "--profiles");
        contains(run->out, "ec-p256");
        RUN(run, "list", "-j");
        contains(run->out, "{\"connections\":[{\"name\":\"crm\"");
}

static void test_show(void **state) {
        Run *run = *state;

        RUN(run, "show", "crm");
        assert_int_equal(run->status, 0);
        contains(run->out, "Profile: mauth\n");
        contains(run->out, "Base path: /api\n");
        contains(run->out, "Key: ec-p256\n");
        contains(run->out, "Timeout: 2min 55s\n");
        contains(run->out, "Largest request: 64M\n");
        contains(run->out, "Largest response: 1000\n");
        contains(run->out, "Allowed users: mid app\n");
        contains(run->out, "Session resumption: no\n");
        contains(run->out, "Headers: X-Api-Key=(hidden)\n");
        lacks(run->out, "hush");
        lacks(run->out, "Retry count");

        RUN(run, "show", "wrongpw");
        contains(run->out, "Reason: the password is wrong\\x1b[2J\n");
        contains(run->out, "Allowed users: root and the group midtls\n");
        RUN(run, "show", "mauth");
        contains(run->out, "Chain: CN=sub\n");
        RUN(run, "show", "nobody");
        assert_int_equal(run->status, 1);
        contains(run->err, "nobody");
}

static void test_certs(void **state) {
        Run *run = *state;

        RUN(run, "certs");
        assert_int_equal(run->status, 0);
        contains(run->out, "CN=client");
        contains(run->out, "CN=sub");
        contains(run->out, "broken");
        RUN(run, "certs", "--expiring=30d");
        assert_int_equal(run->status, 0);
        RUN(run, "certs", "--expiring=60000d");
        assert_int_equal(run->status, 1);
        contains(run->out, "expiring");
}

static void test_call(void **state) {
        Run *run = *state;

        RUN(run, "call", "crm", "/plain", "-H", "X-One: 1", "--timeout", "30s");
        assert_int_equal(run->status, 0);
        assert_string_equal(run->out, "hello");
        assert_string_equal(run->err, "");
        sent(run, "GET /plain HTTP/1.1\r\nHost: crm\r\nConnection: close\r\nUser-Agent: midtls/" MIDTLS_VERSION
                  "\r\nAccept: */*\r\nX-One: 1\r\nMidtls-Timeout: 30s\r\n\r\n");

        RUN(run, "call", "crm", "/chunked");
        assert_string_equal(run->out, "hello");
        RUN(run, "call", "mauth://localhost:8443/plain");
        assert_string_equal(run->out, "absolute");
        sent(run, "Host: localhost:8443\r\n");
        RUN(run, "call", "-i", "crm", "/plain");
        assert_string_equal(run->out, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nMidtls-Call-Id: id1\r\n\r\nhello");
        RUN(run, "call", "-v", "crm", "/plain");
        contains(run->err, "status: 200 OK\ncall: id1\n");
        RUN(run, "call", "crm", "HEAD", "/plain");
        assert_int_equal(run->status, 0);
}

static void test_call_body(void **state) {
        Run *run = *state;

        RUN(run, "call", "crm", "/tell", "-d", "hello");
        assert_string_equal(run->out, "fine");
        sent(run, "Content-Length: 5\r\n\r\nhello");
        RUN_INPUT(run, "from stdin", "call", "crm", "PUT", "/tell", "-d", "-");
        sent(run, "Transfer-Encoding: chunked\r\n\r\na\r\nfrom stdin\r\n0\r\n\r\n");
        RUN(run, "call", "crm", "POST", "/tell", "-d", "@/proc/self/attr/nonexistent");
        assert_int_equal(run->status, 1);
        contains(run->err, "/proc/self/attr/nonexistent");
        RUN(run, "call", "crm", "POST", "/tell", "-d", "@/proc");
        assert_int_equal(run->status, 1);
}

static void test_call_file(void **state) {
        char path[] = "/tmp/test-cli-XXXXXX", argument[32];
        int fd = mkstemp(path);
        Run *run = *state;

        assert_int_equal(write(fd, "of a file", 9), 9);
        close(fd);
        snprintf(argument, sizeof(argument), "@%s", path);
        RUN(run, "call", "crm", "POST", "/tell", "-d", argument);
        sent(run, "Content-Length: 9\r\n\r\nof a file");

        RUN(run, "call", "crm", "/plain", "-o", path);
        assert_string_equal(run->out, "");
        free(run->out);
        run->out = read_all(open(path, O_RDONLY | O_CLOEXEC));
        assert_string_equal(run->out, "hello");

        /* What midtls itself answers is no body: the file stays. */
        RUN(run, "call", "crm", "/denied", "-o", path);
        assert_int_equal(run->status, 1);
        free(run->out);
        run->out = read_all(open(path, O_RDONLY | O_CLOEXEC));
        assert_string_equal(run->out, "hello");
        unlink(path);
}

static void test_call_fails(void **state) {
        Run *run = *state;

        RUN(run, "call", "crm", "/missing");
        assert_int_equal(run->status, 0);
        assert_string_equal(run->out, "no such thing");
        RUN(run, "call", "--fail", "crm", "/missing");
        assert_int_equal(run->status, 22);
        assert_string_equal(run->out, "");
        RUN(run, "call", "crm", "/cut");
        assert_int_equal(run->status, 1);
        contains(run->err, "ended early");
        RUN(run, "call", "crm", "/garbage");
        assert_int_equal(run->status, 1);
        contains(run->err, "not HTTP/1.1");
        RUN(run, "call", "crm", "/denied");
        assert_int_equal(run->status, 1);
        assert_string_equal(run->out, "");
        assert_string_equal(run->err, "midtls: Title: what happened\nhint: what to do\ncall: c0ffee\n");
        RUN(run, "call", "--json=short", "crm", "/denied");
        contains(run->out, "{\"type\":\"urn:midtls:error:caller-denied\"");
}

static void test_usage(void **state) {
        Run *run = *state;

        RUN(run, "call");
        assert_int_equal(run->status, 2);
        RUN(run, "frobnicate");
        assert_int_equal(run->status, 2);
        RUN(run, "call", "crm", "no-slash");
        assert_int_equal(run->status, 2);
        RUN(run, "soap", "crm", "/x");
        assert_int_equal(run->status, 2);
        RUN(run, "--help");
        assert_int_equal(run->status, 0);
        RUN(run, "--version");
        assert_string_equal(run->out, "midtls " MIDTLS_VERSION "\n");
        RUN(run, "--socket", "/nonexistent/calld.sock", "call", "crm", "/x");
        assert_int_equal(run->status, 1);
        contains(run->err, "/nonexistent/calld.sock");
}

static void test_soap(void **state) {
        Run *run = *state;

        RUN(run, "soap", "crm", "/soap", "--action", "urn:x#Get", "-d", "<a/>");
        assert_int_equal(run->status, 0);
        sent(run, "Midtls-Soap: 1.1\r\nMidtls-Soap-Action: urn:x#Get\r\nContent-Length: 4\r\n\r\n<a/>");
        RUN_INPUT(run, "<b/>", "soap", "crm", "/soap", "--action", "urn:x", "--soap", "1.2");
        sent(run, "Midtls-Soap: 1.2\r\n");
        RUN(run, "soap", "crm", "/fault", "--action", "urn:x", "-d", "<a/>");
        assert_int_equal(run->status, 1);
        assert_string_equal(run->out, "<a/>");
        contains(run->err, "SOAP Fault, soap:Client: no such incident: 7%\n");
}

static void test_test(void **state) {
        Run *run = *state;

        RUN(run, "test", "crm");
        assert_int_equal(run->status, 0);
        contains(run->out, "ok     dns");
        sent(run, "Content-Length: 0\r\n");
        RUN(run, "test", "wrongpw", "crm");
        assert_int_equal(run->status, 3);
        contains(run->out, "FAILED signature           no key");
        contains(run->out, "hint: look");
        RUN(run, "test", "nobody");
        assert_int_equal(run->status, 1);
        RUN(run, "test", "nobody", "wrongpw");
        assert_int_equal(run->status, 3);
        RUN(run, "test", "../status");
        assert_int_equal(run->status, 1);
        RUN(run, "test");
        assert_int_equal(run->status, 3);
        contains(run->out, "\n\nwrongpw: u\n");
        RUN(run, "test", "-j", "crm");
        contains(run->out, "{\"tests\":[{\"alias\":\"crm\"");
}

/* Output that could not be written is no success. */
static void test_full_disk(void **state) {
        Run *run = *state;
        _cleanup_free_ char *command = NULL;
        int status;
        pid_t pid;

        assert_true(asprintf(&command, "exec '%s' --socket '%s' list >/dev/full 2>/dev/null", program, run->server->path) > 0);
        {
                const char *argv[] = {"sh", "-c", command, NULL};

                assert_int_equal(posix_spawn(&pid, "/bin/sh", NULL, NULL, (char *const *) argv, environ), 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(WEXITSTATUS(status), 1);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_status, setup, teardown),    cmocka_unit_test_setup_teardown(test_list, setup, teardown),
                cmocka_unit_test_setup_teardown(test_show, setup, teardown),      cmocka_unit_test_setup_teardown(test_certs, setup, teardown),
                cmocka_unit_test_setup_teardown(test_call, setup, teardown),      cmocka_unit_test_setup_teardown(test_call_body, setup, teardown),
                cmocka_unit_test_setup_teardown(test_call_file, setup, teardown), cmocka_unit_test_setup_teardown(test_call_fails, setup, teardown),
                cmocka_unit_test_setup_teardown(test_usage, setup, teardown),     cmocka_unit_test_setup_teardown(test_soap, setup, teardown),
                cmocka_unit_test_setup_teardown(test_test, setup, teardown),      cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        };

        if (argc != 2)
                return 2;
        program = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
