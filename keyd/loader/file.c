/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/file.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

int load_failure(LoadFailure *ret, Verdict verdict, const char *hint, const char *detail_format, ...) {
        va_list ap;

        *ret = (LoadFailure) {.verdict = verdict};
        snprintf(ret->hint, sizeof(ret->hint), "%s", hint);
        va_start(ap, detail_format);
        vsnprintf(ret->detail, sizeof(ret->detail), detail_format, ap);
        va_end(ap);

        return 1;
}

int path_join(const char *directory, const char *path, char **ret) {
        size_t size = directory ? strlen(directory) : 0;
        int n;

        if (path[0] == '/' || size == 0)
                n = asprintf(ret, "%s", path);
        else
                n = asprintf(ret, "%s%s%s", directory, directory[size - 1] == '/' ? "" : "/", path);

        return n < 0 ? -ENOMEM : 0;
}

static int io_failure(LoadFailure *f, const char *path, int error) {
        const char *hint = error == ENOENT   ? "put the file there or correct the path"
                           : error == EACCES ? "let the user midtls-keyd read the file (group midtls-keyd, mode 0640)"
                                             : "see what the system says about this file";

        return load_failure(f, VERDICT_IO, hint, "%s: %s", path, strerrordesc_np(error));
}

static int check_stat(const struct stat *st, FilePolicy policy, const char *path, LoadFailure *f) {
        if (!S_ISREG(st->st_mode))
                return load_failure(f, VERDICT_IO, "name a regular file", "%s is not a regular file", path);
        if (st->st_size > FILE_SIZE_MAX)
                return load_failure(f, VERDICT_LIMIT, "4 MiB at most; remove what is not needed", "%s has %lld bytes", path, (long long) st->st_size);
        if (policy != FILE_POLICY_ANY && (st->st_mode & (S_IWGRP | S_IWOTH)))
                return load_failure(f, VERDICT_POLICY, "chmod go-w the file", "%s can be written by its group or by others (mode %04o)", path,
                                    st->st_mode & 07777U);
        if (policy == FILE_POLICY_SECRET && (st->st_mode & S_IROTH))
                return load_failure(f, VERDICT_POLICY, "chmod o-r the file: 0600, or 0640 with group midtls-keyd",
                                    "%s can be read by others (mode %04o)", path, st->st_mode & 07777U);

        return 0;
}

/* Reads up to the secret's capacity. Return: 0 or -errno */
static int read_all(int fd, Secret *s) {
        size_t done = 0;

        while (done < secret_capacity(s)) {
                ssize_t n = read(fd, secret_writable(s) + done, secret_capacity(s) - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }

        secret_set_size(s, done);
        return 0;
}

int file_read(const char *path, FilePolicy policy, Secret **ret, mode_t *ret_mode, LoadFailure *ret_failure) {
        _cleanup_(secret_freep) Secret *s = NULL;
        _cleanup_fd_ int fd = -1;
        struct stat st;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return io_failure(ret_failure, path, errno);
        if (fstat(fd, &st) < 0)
                return -errno;

        r = check_stat(&st, policy, path, ret_failure);
        if (r)
                return r;
        /* One byte more than it should have tells a file that grows. */
        r = secret_new((size_t) st.st_size + 1, &s);
        if (r < 0)
                return r;
        r = read_all(fd, s);
        if (r < 0)
                return io_failure(ret_failure, path, -r);
        if (secret_size(s) != (size_t) st.st_size)
                return load_failure(ret_failure, VERDICT_IO, "replace files by renaming a complete new one", "%s changed while it was read", path);

        if (ret_mode)
                *ret_mode = st.st_mode & 07777;
        *ret = TAKE_PTR(s);
        return 0;
}
