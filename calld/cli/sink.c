/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/sink.h"

#include <fcntl.h>
#include <string.h>

void sink_init(Sink *s, const char *path) {
        *s = (Sink) {.path = path && strcmp(path, "-") != 0 ? path : NULL};
        s->terminal = !s->path && isatty(STDOUT_FILENO);
}

static int open_file(Sink *s) {
        int fd;

        if (s->file)
                return 0;
        if (!s->path) {
                s->file = stdout;
                return 0;
        }

        fd = open(s->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
        if (fd < 0)
                return -errno;
        s->file = fdopen(fd, "w");
        if (!s->file) {
                int r = -errno;

                close(fd);
                return r;
        }
        return 0;
}

/* U+0080 to U+009F (0xc2 0x80 to 0xc2 0x9f) are control characters to a terminal, like those below a blank. */
static void write_terminal(Sink *s, uint8_t byte) {
        bool control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;

        if (s->lead) {
                s->lead = false;
                if (byte >= 0x80 && byte <= 0x9f) {
                        fprintf(s->file, "\\xc2\\x%02x", byte);
                        return;
                }
                putc(0xc2, s->file);
        }
        if (byte == 0xc2)
                s->lead = true;
        else if (control && byte != '\r')
                fprintf(s->file, "\\x%02x", byte);
        else if (!control)
                putc(byte, s->file);
}

int sink_write(Sink *s, const void *data, size_t size) {
        const uint8_t *p = data;
        int r;

        if (size == 0)
                return 0;
        r = open_file(s);
        if (r < 0)
                return r;

        errno = 0;
        if (!s->terminal)
                ignore_result(fwrite(data, 1, size, s->file), "ferror() below tells");
        for (size_t i = 0; s->terminal && i < size; i++)
                write_terminal(s, p[i]);
        s->line_open = p[size - 1] != '\n';

        return ferror(s->file) ? -(errno ? errno : EIO) : 0;
}

int sink_finish(Sink *s) {
        int r;

        r = open_file(s);
        if (r < 0)
                return r;

        if (s->lead)
                putc(0xc2, s->file);
        s->lead = false;
        /* The shell's prompt begins on a line of its own. */
        if (s->terminal && s->line_open)
                putc('\n', s->file);

        errno = 0;
        if (fflush(s->file) == EOF)
                return -(errno ? errno : EIO);
        return 0;
}

void sink_done(Sink *s) {
        if (s->path && s->file)
                fclose(s->file);
        s->file = NULL;
}
