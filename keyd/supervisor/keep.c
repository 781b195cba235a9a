/* SPDX-License-Identifier: Apache-2.0 */

/* Profiles that a ServiceNow instance gave, kept as files in $STATE_DIRECTORY/instance; a file changes in one step, and only when it says something new */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/log.h"
#include "common/msg-hello.h"
#include "common/msg-keep.h"
#include "common/parse.h"
#include "keyd/supervisor/supervisor-internal.h"

#define HEAD "# From the instance that [Instance] of midtls.conf names; what is changed here is lost.\n[Profile]\n"
#define SUFFIX ".profile"
#define TEMPORARY ".new"
#define NAME_SIZE (PROTO_NAME_MAX + sizeof(SUFFIX))

/* The loader's word is not taken for what becomes a file's name. */
static bool make_name(Span profile, char ret[static NAME_SIZE]) {
        char name[PROTO_NAME_MAX + 1];

        span_copy_text(profile, name, sizeof(name));
        snprintf(ret, NAME_SIZE, "%s" SUFFIX, name);
        return protocol_name_valid(name);
}

static int open_folder(int *ret) {
        const char *state = getenv("STATE_DIRECTORY");
        _cleanup_free_ char *path = NULL;

        if (!state || state[0] != '/' || strchr(state, ':'))
                return -ENOENT;
        if (asprintf(&path, "%s/instance", state) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        if (mkdir(path, 0700) < 0 && errno != EEXIST)
                return -errno;

        *ret = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return *ret < 0 ? -errno : 0;
}

static bool is_same(int folder, const char *name, Span text) {
        _cleanup_fd_ int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        char old[sizeof(HEAD) + KEEP_TEXT_MAX];
        size_t head = strlen(HEAD);
        ssize_t n;

        if (fd < 0)
                return false;
        n = read(fd, old, sizeof(old));
        return n >= 0 && (size_t) n == head + text.size && memcmp(old, HEAD, head) == 0 && memcmp(old + head, text.data, text.size) == 0;
}

static int write_temporary(int folder, Span text) {
        _cleanup_fd_ int fd = -1;
        size_t head = strlen(HEAD);

        if (unlinkat(folder, TEMPORARY, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(folder, TEMPORARY, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;

        errno = ENOSPC;
        if (write(fd, HEAD, head) != (ssize_t) head || write(fd, text.data, text.size) != (ssize_t) text.size || fsync(fd) < 0)
                return -errno;

        return 0;
}

static int write_one(int folder, const MsgKeep *m) {
        char name[NAME_SIZE];
        int r;

        if (m->text.size == 0 || !make_name(m->profile, name) || is_same(folder, name, m->text))
                return 0;
        r = write_temporary(folder, m->text);
        if (r < 0)
                return r;

        return renameat(folder, TEMPORARY, folder, name) < 0 ? -errno : 0;
}

static bool next_keep(const RecordList *list, size_t *cursor, MsgKeep *ret) {
        Span body;
        uint8_t type;

        return *cursor < record_list_count(list) && msg_split(record_list_get(list, (*cursor)++), &type, &body) == 0 &&
               msg_keep_decode(body, ret) == 0;
}

static bool is_named(const RecordList *list, const char *file) {
        size_t cursor = 0;
        MsgKeep m;

        while (next_keep(list, &cursor, &m)) {
                char name[NAME_SIZE];

                if (make_name(m.profile, name) && strcmp(name, file) == 0)
                        return true;
        }
        return false;
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* What else lies there was named before, and is no longer. */
static int remove_others(int folder, const RecordList *list) {
        int copy = fcntl(folder, F_DUPFD_CLOEXEC, 0);
        _cleanup_(closedirp) DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
        struct dirent *e;

        if (!d) {
                close_fdp(&copy);
                return -errno;
        }
        while ((e = readdir(d))) {
                size_t size = strlen(e->d_name);

                if (size > strlen(SUFFIX) && strcmp(e->d_name + size - strlen(SUFFIX), SUFFIX) == 0 && !is_named(list, e->d_name) &&
                    unlinkat(folder, e->d_name, 0) < 0)
                        return -errno;
        }
        return 0;
}

void keep_profiles(const RecordList *list) {
        _cleanup_fd_ int folder = -1;
        size_t cursor = 0;
        MsgKeep m;
        int r;

        r = open_folder(&folder);
        while (r >= 0 && next_keep(list, &cursor, &m))
                r = write_one(folder, &m);
        if (r >= 0)
                r = remove_others(folder, list);
        if (r < 0)
                log_errno(r, "Cannot keep the profiles of the instance");
}
