/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/upload.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

void upload_done(Upload *u) {
        close_fdp(&u->fd);
}

/* Takes @fd. */
static int set_descriptor(int fd, const char *name, Upload *ret) {
        off_t offset = lseek(fd, 0, SEEK_CUR);
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode)) {
                r = output_error(NULL, "cannot read %s: %s", name, strerror(errno ? errno : EISDIR));
                close(fd);
                return r;
        }

        *ret = (Upload) {.given = true, .fd = fd, .chunked = true};
        if (S_ISREG(st.st_mode) && offset >= 0) {
                ret->chunked = false;
                ret->length = st.st_size > offset ? (uint64_t) (st.st_size - offset) : 0;
        }
        return 0;
}

int upload_open(const char *spec, Upload *ret) {
        bool is_input = strcmp(spec, "-") == 0 || strcmp(spec, "@-") == 0;
        int fd;

        if (!is_input && spec[0] != '@') {
                *ret = (Upload) {.given = true, .data = spec, .size = strlen(spec), .fd = -1, .length = strlen(spec)};
                return 0;
        }

        fd = is_input ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(spec + 1, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return output_error(NULL, "cannot open %s: %s", is_input ? "standard input" : spec + 1, strerror(errno));

        errno = 0;
        return set_descriptor(fd, is_input ? "standard input" : spec + 1, ret);
}
