/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/log-internal.h"
#include "tests/unit/lib/capture.h"
#include "tests/unit/lib/unit.h"

/* A socket in place of the journal's. */
typedef struct Journal {
        char folder[64], path[96];
        int fd;
} Journal;

static int setup(void **state) {
        static Journal j;
        struct sockaddr_un a = {.sun_family = AF_UNIX};

        snprintf(j.folder, sizeof(j.folder), "/tmp/midtls-journal-XXXXXX");
        ASSERT(mkdtemp(j.folder));
        snprintf(j.path, sizeof(j.path), "%s/socket", j.folder);
        memcpy(a.sun_path, j.path, strlen(j.path));
        j.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        ASSERT(j.fd >= 0 && bind(j.fd, (const struct sockaddr *) &a, sizeof(a)) == 0);

        *state = &j;
        return 0;
}

static int teardown(void **state) {
        Journal *j = *state;

        close_fdp(&j->fd);
        unlink(j->path);
        rmdir(j->folder);
        return 0;
}

static void test_format(void **state) {
        static const char want[] = "MESSAGE\n\3\0\0\0\0\0\0\0a\nb\nPRIORITY=4\nSYSLOG_IDENTIFIER=keyd\nMIDTLS_PROFILE=bank\n";
        _cleanup_(buf_done) Buf b = BUF_INIT(LOG_LINE_MAX);
        LogRecord r;

        log_record_init(&r, PRIORITY_WARNING, EVENT_NONE);
        log_record_add(&r, "MIDTLS_PROFILE", "bank");
        assert_int_equal(log_format_journal(&r, "keyd", "a\nb", &b), 0);
        assert_int_equal(b.size, sizeof(want) - 1);
        assert_memory_equal(b.data, want, b.size);
        log_record_done(&r);
}

static void test_too_long(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(20);
        LogRecord r;

        log_record_init(&r, PRIORITY_WARNING, EVENT_NONE);
        assert_int_equal(log_format_journal(&r, "keyd", "longer than the buffer", &b), -EMSGSIZE);
}

/* A journal that does not read stops nobody; what is lost is said when there is room again. */
static void test_never_waits(void **state) {
        _cleanup_fd_ int fd = log_open_journal(50);
        uint64_t started = now_usec();
        Journal *j = *state;
        bool told = false;
        char text[8192];
        ssize_t n;

        assert_true(fd >= 50);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        log_open("keyd", LOG_TARGET_JOURNAL);
        assert_true(log_is_journal());
        log_set_journal(fd, j->path);
        assert_int_equal(log_journal(), fd);

        for (unsigned i = 0; i < 10000; i++)
                log_message(PRIORITY_INFO, "record %u", i);
        /* It would wait for ever; a generous bound tells the difference. */
        assert_true(now_usec() - started < 30 * USEC_PER_SEC);

        assert_true(recv(j->fd, text, sizeof(text) - 1, 0) > 0);
        assert_non_null(strstr(text, "MESSAGE=record 0\n"));
        while (recv(j->fd, text, sizeof(text) - 1, 0) > 0)
                ;
        log_message(PRIORITY_INFO, "after");
        while ((n = recv(j->fd, text, sizeof(text) - 1, 0)) > 0) {
                text[n] = 0;
                told = told || (strstr(text, "MESSAGE=after\n") && strstr(text, "MIDTLS_RECORDS_LOST="));
        }
        assert_true(told);
        log_set_journal(-1, LOG_JOURNAL_PATH);
}

/* What cannot go to the journal goes to standard error. */
static void test_absent(void **state) {
        _cleanup_(buf_done) Buf b = BUF_INIT(65536);
        _cleanup_fd_ int fd = log_open_journal(50);
        Capture c = capture_begin();

        log_open("keyd", LOG_TARGET_JOURNAL);
        log_set_journal(-1, LOG_JOURNAL_PATH);
        log_message(PRIORITY_INFO, "without a socket");
        log_set_journal(fd, "/nonexistent/socket");
        log_message(PRIORITY_INFO, "without a journal");
        capture_end(&c, &b);
        assert_int_equal(buf_append(&b, "", 1), 0);
        assert_non_null(strstr((char *) b.data, "without a socket"));
        assert_non_null(strstr((char *) b.data, "without a journal"));
        log_set_journal(-1, LOG_JOURNAL_PATH);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_format),
                cmocka_unit_test(test_too_long),
                cmocka_unit_test_setup_teardown(test_never_waits, setup, teardown),
                cmocka_unit_test(test_absent),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
