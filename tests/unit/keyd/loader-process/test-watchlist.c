/* SPDX-License-Identifier: Apache-2.0 */

/* Which folders are watched for a file: its own, and those of each link on the way */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "common/msg-load.h"
#include "keyd/loader/watchlist.h"

static char root[PATH_MAX];

static const char *in_root(const char *name) {
        static char path[PATH_MAX + 256];

        snprintf(path, sizeof(path), "%s/%s", root, name);
        return path;
}

static int set_up(void **state _unused_) {
        char made[] = "/tmp/midtls-watchlist-XXXXXX";

        if (!mkdtemp(made) || !realpath(made, root))
                return -1;
        assert_int_equal(mkdir(in_root("v1"), 0700), 0);
        assert_int_equal(mkdir(in_root("x.profile.d"), 0700), 0);
        assert_int_equal(close(open(in_root("v1/key.p12"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)), 0);
        assert_int_equal(symlink("v1", in_root("current")), 0);
        assert_int_equal(symlink("current/key.p12", in_root("key.p12")), 0);
        assert_int_equal(symlink("loop", in_root("loop")), 0);
        return 0;
}

static int tear_down(void **state _unused_) {
        static const char *const files[] = {"v1/key.p12", "current", "key.p12", "loop"};

        for (size_t i = 0; i < ARRAY_SIZE(files); i++)
                unlink(in_root(files[i]));
        rmdir(in_root("v1"));
        rmdir(in_root("x.profile.d"));
        return rmdir(root);
}

/* @want: "FOLDER NAME" below the root, a line each, in any order */
static void assert_watches(const RecordList *l, const char *const *want, size_t n_want) {
        assert_int_equal(record_list_count(l), n_want);
        for (size_t i = 0; i < n_want; i++) {
                bool found = false;

                for (size_t k = 0; k < n_want; k++) {
                        Span record = record_list_get(l, k);
                        char text[2 * PATH_MAX];
                        MsgWatch m;

                        assert_int_equal(msg_watch_decode(span_make(record.data + 1, record.size - 1), &m), 0);
                        snprintf(text, sizeof(text), "%.*s %.*s", (int) m.folder.size, (const char *) m.folder.data, (int) m.name.size,
                                 (const char *) m.name.data);
                        found = found || strcmp(text, want[i]) == 0;
                }
                if (!found)
                        fail_msg("\"%s\" is not watched", want[i]);
        }
}

static void check(const char *path, const char *const *names, size_t n) {
        _cleanup_(record_list_unrefp) RecordList *l = NULL;
        char texts[4][2 * PATH_MAX];
        const char *want[4];

        for (size_t i = 0; i < n; i++) {
                snprintf(texts[i], sizeof(texts[i]), "%s%s", root, names[i]);
                want[i] = texts[i];
        }
        assert_int_equal(record_list_new(100, 100000, &l), 0);
        assert_int_equal(watchlist_add_path(path, l), 0);
        /* Once more adds nothing. */
        assert_int_equal(watchlist_add_path(path, l), 0);
        assert_watches(l, want, n);
}

static void test_file(void **state _unused_) {
        check(in_root("v1/key.p12"), (const char *[]) {"/v1 key.p12"}, 1);
        check(in_root("v1/../v1/./key.p12"), (const char *[]) {"/v1 key.p12"}, 1);
}

static void test_links(void **state _unused_) {
        check(in_root("key.p12"), (const char *[]) {" key.p12", " current", "/v1 key.p12"}, 3);
}

static void test_absent(void **state _unused_) {
        check(in_root("v1/absent.p12"), (const char *[]) {"/v1 absent.p12"}, 1);
        check(in_root("absent/deep/key.p12"), (const char *[]) {" absent"}, 1);
}

static void test_loop(void **state _unused_) {
        check(in_root("loop"), (const char *[]) {" loop"}, 1);
}

static void test_relative(void **state _unused_) {
        assert_int_equal(chdir(root), 0);
        check("v1/key.p12", (const char *[]) {"/v1 key.p12"}, 1);
        assert_int_equal(chdir("/"), 0);
}

/* Passwords in files: relative ones are beside the profile. */
static void test_passwords(void **state _unused_) {
        _cleanup_(record_list_unrefp) RecordList *l = NULL;
        char file[PATH_MAX + 32], texts[3][PATH_MAX + 32], absolute[PATH_MAX + 32];
        ProfileConfig p = {.applies = true, .file = file, .ca_file = (char *) "/ca.pem", .password = (char *) "file:v1/pw", .key_password = absolute};
        ProfileConfig *profiles[] = {&p};
        Config c = {.profiles = profiles, .n_profiles = 1};

        snprintf(file, sizeof(file), "%s/x.profile", root);
        snprintf(absolute, sizeof(absolute), "file:%s/key.pw", root);
        snprintf(texts[0], sizeof(texts[0]), "%s/v1 pw", root);
        snprintf(texts[1], sizeof(texts[1]), "%s key.pw", root);
        snprintf(texts[2], sizeof(texts[2]), "/ ca.pem");
        assert_int_equal(record_list_new(100, 100000, &l), 0);
        assert_int_equal(watchlist_add_files(&c, l), 0);
        assert_watches(l, (const char *[]) {texts[0], texts[1], texts[2]}, 3);
}

static void test_folders(void **state _unused_) {
        _cleanup_(record_list_unrefp) RecordList *l = NULL;
        char texts[3][PATH_MAX + 32];

        /* The folder's own entry, all in it, and in its folder of drop-ins */
        snprintf(texts[0], sizeof(texts[0]), "/tmp %s", strrchr(root, '/') + 1);
        snprintf(texts[1], sizeof(texts[1]), "%s ", root);
        snprintf(texts[2], sizeof(texts[2]), "%s/x.profile.d ", root);
        assert_int_equal(record_list_new(100, 100000, &l), 0);
        assert_int_equal(watchlist_add_folders(root, l), 0);
        assert_watches(l, (const char *[]) {texts[0], texts[1], texts[2]}, 3);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_file),     cmocka_unit_test(test_links),   cmocka_unit_test(test_absent),    cmocka_unit_test(test_loop),
                cmocka_unit_test(test_relative), cmocka_unit_test(test_folders), cmocka_unit_test(test_passwords),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
