/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/check.h"

#include "keyd/crypto/secret.h"
#include "keyd/loader/config/config.h"
#include "keyd/loader/inspect.h"

#define PASSWORD_MAX 4096U

static void print_problems(const Problems *problems) {
        for (size_t i = 0; i < problems->n_items; i++) {
                _cleanup_free_ char *text = problem_to_string(&problems->items[i]);

                printf("%s%s\n", problems->items[i].warning ? "warning: " : "", text ? text : problems->items[i].file);
        }
}

static void problems_donep(Problems *p) {
        problems_done(p);
}

int check_configuration(const char *config_dir, const char *root) {
        _cleanup_(problems_donep) Problems problems = {};
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_load(config_dir, root, &config, &problems);
        if (r < 0)
                return r;

        print_problems(&problems);
        if (problems.n_errors > 0)
                return 1;

        printf("OK: %zu profiles, %zu connections\n", config->n_profiles, config->n_connections);
        return 0;
}

/* A byte at a time: what follows is not ours yet, and no buffer keeps a copy. Return: 0 with NULL at the end, -E2BIG, other -errno */
static int read_line(Secret **ret) {
        _cleanup_(secret_freep) Secret *s = NULL;
        size_t size = 0;
        int r;

        r = secret_new(PASSWORD_MAX, &s);
        if (r < 0)
                return r;

        for (;;) {
                uint8_t *p = secret_writable(s) + size;
                ssize_t n;

                if (size == secret_capacity(s))
                        return -E2BIG;
                n = read(STDIN_FILENO, p, 1);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0 && size == 0)
                        return 0;
                if (n == 0 || *p == '\n')
                        break;
                size++;
        }

        secret_set_size(s, size);
        *ret = TAKE_PTR(s);
        return 0;
}

int check_keystore(const char *path, const char *key_alias) {
        _cleanup_(secret_freep) Secret *store = NULL, *key = NULL;
        int r;

        r = read_line(&store);
        if (r >= 0)
                r = read_line(&key);
        if (r < 0)
                return r;

        /* An empty line is what a script writes that has no password for the key. */
        return inspect_file(path, key_alias, store, key && secret_size(key) > 0 ? key : NULL, stdout);
}
