/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/origin.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>

#include "common/ini.h"

#define TEXT_MAX (1024U * 1024)
#define DROPINS_MAX 256U

/* Earlier ones mask, as in systemd. */
static const char *const folders[] = {"/etc/midtls", "/run/midtls.d", "/usr/lib/midtls", NULL};

typedef struct Dropins {
        char *names[DROPINS_MAX], *paths[DROPINS_MAX];
        size_t n;
} Dropins;

static void dropins_done(Dropins *d) {
        for (size_t i = 0; i < d->n; i++) {
                free(d->names[i]);
                free(d->paths[i]);
        }
}

void origins_done(Origins *o) {
        for (size_t i = 0; i < o->n_items; i++) {
                free(o->items[i].name);
                free(o->items[i].value);
                free(o->items[i].where);
        }
        free(o->items);
        *o = (Origins) {};
}

const Setting *origins_find(const Origins *o, const char *name) {
        for (size_t i = o->n_items; i > 0; i--)
                if (strcmp(o->items[i - 1].name, name) == 0)
                        return &o->items[i - 1];
        return NULL;
}

/* What may hold a secret, whatever its form. */
static bool is_secret(const IniContext *c) {
        return strcmp(c->section, "Headers") == 0 || strstr(c->key, "Password");
}

static int grow(Origins *o) {
        size_t n = o->n_allocated ? o->n_allocated * 2 : 32;
        Setting *items;

        if (o->n_items < o->n_allocated)
                return 0;

        items = calloc(n, sizeof(*items));
        if (!items)
                return -ENOMEM;
        if (o->n_items > 0)
                memcpy(items, o->items, o->n_items * sizeof(*items));
        free(o->items);
        o->items = items;
        o->n_allocated = n;
        return 0;
}

/* The last one counts, which origins_find() looks for first. */
static int note(const IniContext *c, void *target) {
        Origins *o = c->userdata;
        Setting s = {};

        (void) target;
        if (grow(o) < 0)
                return -ENOMEM;
        if (asprintf(&s.name, "%s.%s", c->section, c->key) < 0)
                return -ENOMEM;
        if (asprintf(&s.where, "%s:%u", c->file, c->line) < 0) {
                free(s.name);
                return -ENOMEM;
        }
        s.value = strdup(is_secret(c) && *c->value ? "(hidden)" : c->value);
        o->items[o->n_items++] = s;
        return s.value ? 0 : -ENOMEM;
}

static const IniRow rows[] = {
        {"Connection", NULL, note, 0}, {"HTTP", NULL, note, 0},   {"Headers", NULL, note, 0}, {"Retry", NULL, note, 0},
        {"Profile", NULL, note, 0},    {"Server", NULL, note, 0}, {"Limits", NULL, note, 0},
};

static int read_all(int fd, char *text) {
        size_t size = 0;

        while (size < TEXT_MAX) {
                ssize_t n = read(fd, text + size, TEXT_MAX - size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n == 0)
                        break;
                size += n > 0 ? (size_t) n : 0;
        }
        text[size] = '\0';
        return 0;
}

/* Return: 0; -ENOENT: no such file; other -errno */
static int read_file(Origins *o, const char *path) {
        _cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        _cleanup_(problems_done) Problems problems = {};
        char *text;
        int r;

        if (fd < 0 && errno == ENOENT)
                return -ENOENT;
        text = fd < 0 ? NULL : malloc(TEXT_MAX + 1);
        r = text ? read_all(fd, text) : fd < 0 ? -errno : -ENOMEM;

        /* keyd tells what is wrong with it */
        if (r == 0)
                r = ini_parse(path, text, rows, ARRAY_SIZE(rows), &problems, o);
        else if (r != -ENOMEM) {
                o->unreadable = true;
                r = 0;
        }
        if (text)
                explicit_bzero(text, TEXT_MAX + 1);
        free(text);
        return r;
}

/* The first that there is. */
static int read_main(Origins *o, const char *const *dirs, const char *file) {
        for (size_t i = 0; dirs[i]; i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf(&path, "%s/%s", dirs[i], file) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }
                r = read_file(o, path);
                if (r != -ENOENT) {
                        o->found = true;
                        return r;
                }
        }
        return 0;
}

static int add_dropin(Dropins *d, const char *dir, const char *name) {
        size_t size = strlen(name), at = 0;

        if (size < 6 || name[0] == '.' || strcmp(name + size - 5, ".conf") != 0 || d->n >= DROPINS_MAX)
                return 0;
        while (at < d->n && strcmp(d->names[at], name) < 0)
                at++;
        if (at < d->n && strcmp(d->names[at], name) == 0)
                return 0;

        memmove(d->names + at + 1, d->names + at, (d->n - at) * sizeof(d->names[0]));
        memmove(d->paths + at + 1, d->paths + at, (d->n - at) * sizeof(d->paths[0]));
        d->n++;
        d->paths[at] = NULL;
        d->names[at] = strdup(name);
        if (!d->names[at] || asprintf(&d->paths[at], "%s/%s", dir, name) < 0)
                return -ENOMEM;
        return 0;
}

static int list_dropins(Origins *o, const char *dir, Dropins *ret) {
        DIR *d = opendir(dir);
        const struct dirent *e;
        int r = 0;

        if (!d) {
                o->unreadable |= errno != ENOENT && errno != ENOTDIR;
                return 0;
        }
        while (r == 0 && (e = readdir(d)))
                r = add_dropin(ret, dir, e->d_name);
        closedir(d);
        return r;
}

static int read_dropins(Origins *o, const char *const *dirs, const char *file) {
        _cleanup_(dropins_done) Dropins d = {};
        int r = 0;

        for (size_t i = 0; r == 0 && dirs[i]; i++) {
                _cleanup_free_ char *dir = NULL;

                if (asprintf(&dir, "%s/%s.d", dirs[i], file) < 0) {
                        dir = NULL;
                        return -ENOMEM;
                }
                r = list_dropins(o, dir, &d);
        }
        for (size_t i = 0; r == 0 && i < d.n; i++) {
                r = read_file(o, d.paths[i]);
                r = r == -ENOENT ? 0 : r;
        }
        return r;
}

int origins_read(const char *dir, const char *file, Origins *ret) {
        const char *const one[] = {dir, NULL};
        const char *const *dirs = dir ? one : folders;
        Origins o = {};
        int r;

        r = read_main(&o, dirs, file);
        if (r == 0)
                r = read_dropins(&o, dirs, file);
        if (r < 0) {
                origins_done(&o);
                return r;
        }
        *ret = o;
        return 0;
}
