/* SPDX-License-Identifier: Apache-2.0 */

/* The files that say what an instance said: made, changed in one step, left alone, removed; no name leads out of their folder */

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "common/msg-keep.h"
#include "keyd/supervisor/supervisor-internal.h"

static char state[] = "/tmp/test-keep-XXXXXX";

static RecordList *list(const char *const *pairs, size_t n) {
        RecordList *l = NULL;

        assert_int_equal(record_list_new(KEEP_PROFILES_MAX, ROLE_SNAPSHOT_BYTES_MAX, &l), 0);
        for (size_t i = 0; i < n; i += 2) {
                _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);

                assert_int_equal(msg_keep_encode(&b, &(MsgKeep) {.profile = span_from_string(pairs[i]), .text = span_from_string(pairs[i + 1])}), 0);
                assert_int_equal(record_list_add(l, buf_span(&b)), 0);
        }
        return l;
}

static void keep(const char *const *pairs, size_t n) {
        RecordList *l = list(pairs, n);

        keep_profiles(l);
        record_list_unref(l);
}

/* Return: whether there is such a file; *ret: as stat(2) says */
static bool find(const char *name, struct stat *ret) {
        char path[128];

        snprintf(path, sizeof(path), "%s/instance/%s", state, name);
        return lstat(path, ret) == 0;
}

static void assert_text(const char *name, const char *text) {
        char path[128], got[512];
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "%s/instance/%s", state, name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        n = read(fd, got, sizeof(got) - 1);
        close(fd);
        assert_true(n >= 0);
        got[n] = 0;
        assert_non_null(strstr(got, "[Profile]\n"));
        assert_string_equal(strstr(got, "[Profile]\n") + strlen("[Profile]\n"), text);
}

static void test_files(void **state_ _unused_) {
        struct stat first, second;

        keep((const char *const[]) {"bank", "DefaultPort=1\n", "crm", "DefaultPort=2\n"}, 4);
        assert_text("bank.profile", "DefaultPort=1\n");
        assert_text("crm.profile", "DefaultPort=2\n");
        assert_true(find("bank.profile", &first));
        assert_int_equal(first.st_mode & 07777, 0600);

        /* The same again is not written; without a text it stays; what is not named goes. */
        keep((const char *const[]) {"bank", "DefaultPort=1\n", "crm", ""}, 4);
        assert_true(find("bank.profile", &second));
        assert_int_equal(first.st_ino, second.st_ino);
        assert_text("crm.profile", "DefaultPort=2\n");
        keep((const char *const[]) {"bank", "DefaultPort=3\n"}, 2);
        assert_text("bank.profile", "DefaultPort=3\n");
        assert_false(find("crm.profile", &second));
        assert_false(find(".new", &second));
}

static void test_names(void **state_ _unused_) {
        struct stat st;
        char path[128];

        keep((const char *const[]) {"bank", "a=1\n", "../evil", "a=1\n", "a/b", "a=1\n", "https", "a=1\n", ".", "a=1\n", "A", "a=1\n"}, 12);
        snprintf(path, sizeof(path), "%s/evil.profile", state);
        assert_int_equal(lstat(path, &st), -1);
        assert_false(find("https.profile", &st));
        assert_false(find("A.profile", &st));
        assert_true(find("bank.profile", &st));
}

/* What others have put there: a link is replaced, not followed. */
static void test_link(void **state_ _unused_) {
        char path[128], target[128];
        struct stat st;

        snprintf(path, sizeof(path), "%s/instance/bank.profile", state);
        snprintf(target, sizeof(target), "%s/target", state);
        unlink(path);
        assert_int_equal(symlink(target, path), 0);
        keep((const char *const[]) {"bank", "a=2\n"}, 2);
        assert_true(find("bank.profile", &st));
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(lstat(target, &st), -1);
}

static void test_no_folder(void **state_ _unused_) {
        struct stat st;

        unsetenv("STATE_DIRECTORY");
        keep((const char *const[]) {"other", "a=2\n"}, 2);
        setenv("STATE_DIRECTORY", state, 1);
        assert_false(find("other.profile", &st));
        keep(NULL, 0);
        assert_false(find("bank.profile", &st));
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_files), cmocka_unit_test(test_names), cmocka_unit_test(test_link),
                                           cmocka_unit_test(test_no_folder)};
        char folder[sizeof(state) + 16];
        int r;

        if (!mkdtemp(state) || setenv("STATE_DIRECTORY", state, 1) < 0)
                return 1;
        r = cmocka_run_group_tests(tests, NULL, NULL);
        snprintf(folder, sizeof(folder), "%s/instance", state);
        rmdir(folder);
        rmdir(state);
        return r;
}
