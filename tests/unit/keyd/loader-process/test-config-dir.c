/* SPDX-License-Identifier: Apache-2.0 */

/* What cannot be read harms the one file that it belongs to; what midtls.conf does not say of a store harms no profile */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "keyd/loader/config/config.h"

static char root[] = "/tmp/midtls-config-dir-XXXXXX";

static const char *const profiles[] = {"alpha.profile", "beta.profile"};

static void in_root(const char *name, char ret[static PATH_MAX]) {
        snprintf(ret, PATH_MAX, "%s/%s", root, name);
}

static int put(const char *name, const char *text) {
        _cleanup_fd_ int fd = -1;
        char path[PATH_MAX];

        in_root(name, path);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text) ? 0 : -1;
}

static int set_up(void **state _unused_) {
        if (!mkdtemp(root))
                return -1;
        for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
                if (put(profiles[i], "[Profile]\nKeystorePath=/key.p12\n") < 0)
                        return -1;

        return 0;
}

static int tear_down(void **state _unused_) {
        char path[PATH_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
                in_root(profiles[i], path);
                unlink(path);
        }
        in_root("beta.profile.d", path);
        unlink(path);
        return rmdir(root);
}

static void test_dropins_unreadable(void **state _unused_) {
        _cleanup_(config_freep) Config *c = NULL;
        Problems problems = {};
        char path[PATH_MAX];

        /* A link to itself: a folder that not even root can list */
        in_root("beta.profile.d", path);
        assert_int_equal(symlink("beta.profile.d", path), 0);

        assert_int_equal(config_load(root, NULL, &c, &problems), 0);
        assert_int_equal(c->n_profiles, 2);
        assert_int_equal(problems.n_errors, 1);
        assert_false(config_find_profile(c, "alpha")->broken);
        assert_true(config_find_profile(c, "beta")->broken);
        assert_non_null(strstr(config_find_profile(c, "beta")->reason, "the folder of its drop-ins cannot be read: Too many levels"));
        problems_done(&problems);
}

static void test_store_missing(void **state _unused_) {
        _cleanup_(config_freep) Config *c = NULL;
        Problems problems = {};

        assert_int_equal(put("alpha.profile", "[Profile]\nKeystorePath=/key.p12\nExternalCredentialStore=vault\nPassword=team/a\n"), 0);
        assert_int_equal(config_load(root, NULL, &c, &problems), 0);
        /* Beside that of the other test */
        assert_int_equal(problems.n_errors, 2);
        assert_false(config_find_profile(c, "alpha")->broken);
        assert_string_equal(c->stores[ROLE_STORE_VAULT].problem, "[Vault] in midtls.conf is empty: set Address= and Token=");
        problems_done(&problems);
}

int main(void) {
        const struct CMUnitTest tests[] = {cmocka_unit_test(test_dropins_unreadable), cmocka_unit_test(test_store_missing)};

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
