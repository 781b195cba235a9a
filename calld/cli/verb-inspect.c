/* SPDX-License-Identifier: Apache-2.0 */

/* midtls inspect: keyd looks at a keystore, offline, as this user; what it prints as JSON is shown */

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "calld/cli/keyd.h"
#include "calld/cli/output.h"
#include "calld/cli/password.h"
#include "calld/cli/verbs.h"

#define OUTPUT_MAX (4U * 1024 * 1024)

typedef struct Row {
        const char *name;
        const char *label;
} Row;

static const Row rows[] = {
        {"format", "Format"},     {"alias", "Alias"},       {"key_type", "Key"},  {"leaf_sha256", "SHA-256"}, {"chain", "Chain"},
        {"not_after", "Expires"}, {"warnings", "Warnings"}, {"detail", "Detail"}, {"aliases", "Aliases"},     {"hint", "Hint"},
};

static void print_row(const Row *row, const json_t *value) {
        size_t n = json_is_array(value) ? json_array_size(value) : json_string_length(value) > 0;

        for (size_t i = 0; i < n; i++) {
                const char *text = json_string_value(json_is_array(value) ? json_array_get(value, i) : value);

                printf("%10s%c ", i == 0 ? row->label : "", i == 0 ? ':' : ' ');
                text_print(stdout, text ? text : "-");
                putchar('\n');
        }
}

static void print_verdict(const Options *o, const json_t *found) {
        const char *verdict = json_text(found, "verdict");
        TableStyle style = output_style(o);
        Tint tint = output_state_tint(verdict);

        printf("%10s: %s", "Verdict", tint_begin(tint, style.color));
        text_print(stdout, verdict ? verdict : "-");
        puts(tint_end(tint, style.color));
        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                print_row(&rows[i], json_object_get(found, rows[i].name));
}

/* One question; the answer goes into the pipe, which holds more than two lines. Return: 0 or -errno */
static int pass_password(const char *prompt, bool may_be_left_out, int pipe_fd) {
        static char line[PASSWORD_MAX];
        ssize_t n, k = 0;

        /* Best effort: RLIMIT_MEMLOCK may be zero for this user. */
        ignore_result(mlock(line, sizeof(line)), "the line is wiped in any case");
        n = password_ask(prompt, line);
        if (n == 1 && may_be_left_out)
                k = n;
        else if (n > 0)
                k = write(pipe_fd, line, (size_t) n);
        explicit_bzero(line, sizeof(line));

        if (n < 0)
                return (int) n;
        return k == n ? 0 : -EIO;
}

/* Return: 0, or the exit status (the user has been told) */
static int ask_passwords(int *ret_fd) {
        _cleanup_fd_ int readable = -1, writable = -1;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return output_error(NULL, "cannot make a pipe: %s", strerror(errno));
        readable = ends[0];
        writable = ends[1];

        r = pass_password("Password of the keystore: ", false, writable);
        if (r == 0)
                r = pass_password("Password of the key (empty: the same): ", true, writable);
        if (r < 0)
                return output_error(NULL, "cannot read the password: %s", strerror(-r));

        *ret_fd = TAKE_FD(readable);
        return 0;
}

int verb_inspect(const Options *o) {
        const char *argv[6] = {"keyd", "--inspect", o->arguments[0]};
        _cleanup_(json_decrefp) json_t *found = NULL;
        _cleanup_(buf_done) Buf output = BUF_INIT(OUTPUT_MAX);
        _cleanup_free_ char *alias = NULL;
        _cleanup_fd_ int input = -1;
        int r = 0, status;

        if (o->key_alias && asprintf(&alias, "--key-alias=%s", o->key_alias) < 0) {
                alias = NULL;
                return output_error(NULL, "%s", strerror(ENOMEM));
        }
        argv[3] = alias;

        if (isatty(STDIN_FILENO))
                r = ask_passwords(&input);
        if (r == 0)
                r = keyd_run(argv, input, &output, &status);
        if (r != 0)
                return r;

        found = output.size > 0 ? json_loadb((const char *) output.data, output.size, JSON_REJECT_DUPLICATES, NULL) : NULL;
        if (!json_is_object(found))
                return output_error(NULL, "keyd could not inspect the file");

        if (o->json != JSON_MODE_OFF)
                output_json(o, found);
        else
                print_verdict(o, found);
        return status == 0 ? EXIT_GOOD : EXIT_FAILED;
}
