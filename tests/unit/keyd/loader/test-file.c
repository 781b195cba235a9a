/* SPDX-License-Identifier: Apache-2.0 */

/* Which files are read: regular, bounded, and not open to others */

#include "tests/unit/lib/unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "keyd/loader/file.h"

static char folder[] = "/tmp/midtls-test-file.XXXXXX";
static char path[64], fifo[64];

static int make_files(void **state _unused_) {
        int fd;

        ASSERT(mkdtemp(folder));
        snprintf(path, sizeof(path), "%s/file", folder);
        snprintf(fifo, sizeof(fifo), "%s/fifo", folder);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        ASSERT(fd >= 0 && write(fd, "content", 7) == 7 && close(fd) == 0 && mkfifo(fifo, 0600) == 0);
        return 0;
}

static int remove_files(void **state _unused_) {
        ASSERT(unlink(path) == 0 && unlink(fifo) == 0 && rmdir(folder) == 0);
        return 0;
}

/* VERDICT_OK, or why @name was not read */
static Verdict read_verdict(const char *name, FilePolicy policy, LoadFailure *ret) {
        _cleanup_(secret_freep) Secret *s = NULL;
        int r = file_read(name, policy, &s, NULL, ret);

        assert_true(r >= 0);
        return r ? ret->verdict : VERDICT_OK;
}

/* All permission bits, each alone beside its owner's */
static void test_permissions(void **state _unused_) {
        static const struct {
                mode_t mode;
                Verdict config, secret;
        } rows[] = {
                {0600, VERDICT_OK, VERDICT_OK},         {0640, VERDICT_OK, VERDICT_OK},         {0620, VERDICT_POLICY, VERDICT_POLICY},
                {0604, VERDICT_OK, VERDICT_POLICY},     {0602, VERDICT_POLICY, VERDICT_POLICY}, {0610, VERDICT_OK, VERDICT_OK},
                {0660, VERDICT_POLICY, VERDICT_POLICY}, {0644, VERDICT_OK, VERDICT_POLICY},     {0666, VERDICT_POLICY, VERDICT_POLICY},
        };
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                assert_int_equal(chmod(path, rows[i].mode), 0);
                assert_int_equal(read_verdict(path, FILE_POLICY_CONFIG, &f), rows[i].config);
                assert_int_equal(read_verdict(path, FILE_POLICY_SECRET, &f), rows[i].secret);
                assert_int_equal(read_verdict(path, FILE_POLICY_ANY, &f), VERDICT_OK);
        }
        assert_int_equal(chmod(path, 0600), 0);
}

/* Neither waits for a writer nor reads what has no end. */
static void test_no_regular_file(void **state _unused_) {
        static const char *const names[] = {fifo, folder, "/dev/zero"};
        LoadFailure f;

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                assert_int_equal(read_verdict(names[i], FILE_POLICY_ANY, &f), VERDICT_IO);
                assert_non_null(strstr(f.detail, "is not a regular file"));
        }
}

static void test_size(void **state _unused_) {
        LoadFailure f;

        assert_int_equal(truncate(path, FILE_SIZE_MAX), 0);
        assert_int_equal(read_verdict(path, FILE_POLICY_SECRET, &f), VERDICT_OK);
        assert_int_equal(truncate(path, FILE_SIZE_MAX + 1), 0);
        assert_int_equal(read_verdict(path, FILE_POLICY_SECRET, &f), VERDICT_LIMIT);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(read_verdict(path, FILE_POLICY_SECRET, &f), VERDICT_OK);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_permissions),
                cmocka_unit_test(test_no_regular_file),
                cmocka_unit_test(test_size),
        };

        return cmocka_run_group_tests(tests, make_files, remove_files);
}
