/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/record-source.h"

#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>

#include "calld/cli/record-export.h"

static int start_error(int error) {
        if (error == ENOENT)
                return output_error("read the records where the daemons' --log= puts them, with --input", "there is no journalctl on this host");

        return output_error(NULL, "cannot run journalctl: %s", strerror(error));
}

int record_source_start(RecordSource *s, const char *const argv[]) {
        posix_spawn_file_actions_t actions;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return output_error(NULL, "cannot make a pipe: %s", strerror(errno));

        r = posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
                if (r == 0)
                        r = posix_spawnp(&s->pid, argv[0], &actions, NULL, (char *const *) argv, environ);
                posix_spawn_file_actions_destroy(&actions);
        }
        close(ends[1]);

        s->started = true; /* JSON is what is asked for */
        s->file = r == 0 ? fdopen(ends[0], "r") : NULL;
        if (s->file)
                return 0;
        close(ends[0]);
        return start_error(r ? r : errno);
}

int record_source_open(RecordSource *s, const char *path) {
        int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

        s->file = fd >= 0 ? fdopen(fd, "r") : NULL;
        if (s->file)
                return 0;

        if (fd >= 0)
                close(fd);
        return output_error(NULL, "cannot read %s: %s", path, strerror(errno));
}

/* A JSON object a line. */
static int read_json(RecordSource *s, json_t **ret) {
        json_t *record;
        ssize_t n;

        /* journalctl's "-- No entries --" */
        do
                n = getline(&s->line, &s->allocated, s->file);
        while (s->pid > 0 && n > 0 && s->line[0] == '-');
        if (n <= 0)
                return RECORD_E_END;

        record = json_loadb(s->line, (size_t) n, 0, NULL);
        if (!json_is_object(record)) {
                json_decref(record);
                return RECORD_E_INVALID;
        }
        *ret = record;
        return 0;
}

int record_source_next(RecordSource *s, json_t **ret) {
        if (!s->started) {
                int first = getc(s->file);

                s->started = true;
                s->is_export = first != '{' && first != EOF;
                ungetc(first, s->file);
        }

        return s->is_export ? record_export_read(s->file, &s->line, &s->allocated, ret) : read_json(s, ret);
}

int record_source_finish(RecordSource *s) {
        int status;

        if (ferror(s->file))
                return output_error(NULL, "cannot read the records: %s", strerror(errno ? errno : EIO));
        if (s->pid == 0)
                return EXIT_GOOD;

        while (waitpid(s->pid, &status, 0) < 0)
                if (errno != EINTR)
                        return output_error(NULL, "cannot wait for journalctl: %s", strerror(errno));
        s->pid = 0;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

void record_source_done(RecordSource *s) {
        fclosep(&s->file);
        free(s->line);
        s->line = NULL;
}
