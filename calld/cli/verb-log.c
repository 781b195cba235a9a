/* SPDX-License-Identifier: Apache-2.0 */

/* midtls log: journalctl finds the records of the audit trail; a line is printed for each */

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "calld/cli/output.h"
#include "calld/cli/record.h"
#include "calld/cli/verbs.h"
#include "common/parse.h"

/* journald's own field, which no sender can set: others may write MIDTLS_EVENT too. */
static const char *const units[] = {"_SYSTEMD_UNIT=midtls-keyd.service", "_SYSTEMD_UNIT=midtls-calld.service"};

#define ARGUMENTS_MAX 64U

typedef struct Arguments {
        const char *items[ARGUMENTS_MAX];
        char *owned[ARGUMENTS_MAX];
        size_t n_items, n_owned;
} Arguments;

static void arguments_done(Arguments *a) {
        for (size_t i = 0; i < a->n_owned; i++)
                free(a->owned[i]);
}

static void add(Arguments *a, const char *s) {
        ASSERT(a->n_items + 1 < ARRAY_SIZE(a->items));
        a->items[a->n_items++] = s;
}

/* A match FIELD=VALUE. Return: 0 or -ENOMEM */
static int add_match(Arguments *a, const char *field, const char *value) {
        char *s;

        if (asprintf(&s, "%s=%s", field, value) < 0)
                return -ENOMEM;
        a->owned[a->n_owned++] = s;
        add(a, s);
        return 0;
}

/* systemd.journal-fields(7): matches of one field are alternatives, those of several fields must all hold; "+" is "or". */
static int add_matches(Arguments *a, const char *field, const char *name) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(units); i++)
                add(a, units[i]);
        for (size_t i = 0; r == 0 && record_events[i]; i++)
                r = add_match(a, "MIDTLS_EVENT", record_events[i]);
        if (r == 0 && field)
                r = add_match(a, field, name);

        return r;
}

static int build_arguments(const Options *o, Arguments *a) {
        int r;

        add(a, "journalctl");
        add(a, "--no-pager");
        add(a, o->json == JSON_MODE_PRETTY ? "--output=json-pretty" : "--output=json");
        add(a, "--all");
        /* It would also hide that the user may not read the journal; but "-- No entries --" is no JSON. */
        if (o->json != JSON_MODE_OFF)
                add(a, "--quiet");
        if (o->follow)
                add(a, "--follow");
        if (o->n_arguments == 0)
                return add_matches(a, NULL, NULL);

        /* Keys belong to a profile, calls to an alias: either is taken. */
        r = add_matches(a, "MIDTLS_ALIAS", o->arguments[0]);
        add(a, "+");
        return r < 0 ? r : add_matches(a, "MIDTLS_PROFILE", o->arguments[0]);
}

static int start_error(int error) {
        if (error == ENOENT)
                return output_error("read the records where the daemons' --log= puts them", "there is no journalctl on this host");

        return output_error(NULL, "cannot run journalctl: %s", strerror(error));
}

/* Return: 0, or the exit status (the user has been told) */
static int start(const Arguments *a, pid_t *ret_pid, FILE **ret_file) {
        posix_spawn_file_actions_t actions;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return output_error(NULL, "cannot make a pipe: %s", strerror(errno));

        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
                if (r == 0)
                        r = posix_spawnp(ret_pid, a->items[0], &actions, NULL, (char *const *) a->items, environ);
                posix_spawn_file_actions_destroy(&actions);
        }
        close(ends[1]);

        *ret_file = r == 0 ? fdopen(ends[0], "r") : NULL;
        if (*ret_file)
                return 0;
        close(ends[0]);
        return start_error(r ? r : errno);
}

/* journalctl writes a JSON object a line. */
static void print_records(const Options *o, FILE *records) {
        bool color = output_style(o).color;
        _cleanup_free_ char *line = NULL;
        size_t allocated = 0;

        while (getline(&line, &allocated, records) > 0) {
                json_t *record = json_loads(line, 0, NULL);

                if (json_is_object(record))
                        record_print(record, stdout, color);
                json_decref(record);
                if (o->follow)
                        fflush(stdout);
        }
}

static int read_records(const Options *o, const Arguments *a) {
        _cleanup_fclose_ FILE *records = NULL;
        int status, r;
        pid_t pid;

        r = start(a, &pid, &records);
        if (r != 0)
                return r;

        print_records(o, records);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return output_error(NULL, "cannot wait for journalctl: %s", strerror(errno));

        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

int verb_log(const Options *o) {
        _cleanup_(arguments_done) Arguments a = {};
        int r;

        if (o->n_arguments > 0 && !alias_name_valid(o->arguments[0]))
                return output_error("see midtls list", "\"%s\" is no name of a connection or profile", o->arguments[0]);

        r = build_arguments(o, &a);
        if (r < 0)
                return output_error(NULL, "%s", strerror(-r));
        if (o->json == JSON_MODE_OFF)
                return read_records(o, &a);

        fflush(stdout);
        execvp(a.items[0], (char *const *) a.items);
        return start_error(errno);
}
