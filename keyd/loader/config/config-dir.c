/* SPDX-License-Identifier: Apache-2.0 */

/* Which files are in force: masking and drop-ins as in systemd */

#include <dirent.h>
#include <string.h>

#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"

#define FILES_MAX 4096U

void config_files_done(ConfigFiles *f) {
        for (size_t i = 0; i < f->n_items; i++) {
                free(f->items[i].name);
                free(f->items[i].path);
                strv_free(f->items[i].dropins);
        }
        free(f->items);
        *f = (ConfigFiles) {};
}

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

static bool has_name(const ConfigFiles *f, const char *name, size_t size) {
        for (size_t i = 0; i < f->n_items; i++)
                if (strlen(f->items[i].name) == size && strncmp(f->items[i].name, name, size) == 0)
                        return true;

        return false;
}

static int add_file(ConfigFiles *f, const char *dir, const char *file, size_t name_size) {
        ConfigFile *items = calloc(f->n_items + 1, sizeof(*items));
        ConfigFile *item;
        int r;

        if (!items)
                return -ENOMEM;
        if (f->n_items > 0)
                memcpy(items, f->items, f->n_items * sizeof(*items));
        free(f->items);
        f->items = items;

        item = &items[f->n_items++];
        item->name = strndup(file, name_size);
        r = path_join(dir, file, &item->path);
        return item->name && r >= 0 ? 0 : -ENOMEM;
}

/* The regular-looking names in @dir that end with @suffix. A folder that is not there has none. */
static int list_one(const char *dir, const char *suffix, ConfigFiles *f) {
        _cleanup_(closedirp) DIR *d = opendir(dir);
        size_t suffix_size = strlen(suffix);
        struct dirent *e;
        int r;

        if (!d)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;

        while ((e = readdir(d))) {
                size_t size = strlen(e->d_name);

                if (e->d_name[0] == '.' || size <= suffix_size || strcmp(e->d_name + size - suffix_size, suffix) != 0)
                        continue;
                if (has_name(f, e->d_name, size - suffix_size))
                        continue;
                if (f->n_items >= FILES_MAX)
                        return -E2BIG;
                r = add_file(f, dir, e->d_name, size - suffix_size);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(((const ConfigFile *) a)->name, ((const ConfigFile *) b)->name);
}

static void sort(ConfigFiles *f) {
        if (f->n_items > 0)
                qsort(f->items, f->n_items, sizeof(*f->items), compare_names);
}

/* NAME.SUFFIX.d/ *.conf of all folders, earlier ones masking, sorted by name. What cannot be listed is for the one file to answer. */
static int find_dropins(char *const *dirs, const char *suffix, ConfigFile *file) {
        _cleanup_(config_files_done) ConfigFiles found = {};
        int r;

        for (size_t i = 0; dirs[i]; i++) {
                _cleanup_free_ char *dir = NULL;

                if (asprintf(&dir, "%s/%s%s.d", dirs[i], file->name, suffix) < 0) {
                        dir = NULL;
                        return -ENOMEM;
                }
                r = list_one(dir, ".conf", &found);
                if (r == -ENOMEM)
                        return r;
                if (r < 0)
                        file->error = r;
        }
        sort(&found);

        file->dropins = calloc(found.n_items + 1, sizeof(char *));
        if (!file->dropins)
                return -ENOMEM;
        for (size_t i = 0; i < found.n_items; i++)
                file->dropins[i] = TAKE_PTR(found.items[i].path);

        return 0;
}

int config_dir_list(char *const *dirs, const char *suffix, ConfigFiles *ret) {
        _cleanup_(config_files_done) ConfigFiles f = {};
        int r;

        for (size_t i = 0; dirs[i]; i++) {
                r = list_one(dirs[i], suffix, &f);
                if (r < 0)
                        return r;
        }
        sort(&f);

        for (size_t i = 0; i < f.n_items; i++) {
                r = find_dropins(dirs, suffix, &f.items[i]);
                if (r < 0)
                        return r;
        }

        *ret = f;
        f = (ConfigFiles) {};
        return 0;
}

static int parse_one(const char *path, const IniRow *rows, size_t n_rows, Problems *problems, void *userdata, unsigned *mode) {
        _cleanup_(secret_freep) Secret *text = NULL;
        LoadFailure failure;
        mode_t m;
        int r;

        r = file_read(path, FILE_POLICY_CONFIG, &text, &m, &failure);
        if (r < 0)
                return r;
        if (r > 0)
                return problems_add(problems, path, 0, false, failure.hint, "%s", failure.detail);
        *mode |= m;
        if (memchr(secret_data(text), 0, secret_size(text)))
                return problems_add(problems, path, 0, false, "write plain text", "the file holds a NUL byte");

        return ini_parse(path, (char *) secret_writable(text), rows, n_rows, problems, userdata);
}

int config_file_parse(const ConfigFile *file, const IniRow *rows, size_t n_rows, Problems *problems, void *userdata, unsigned *ret_mode) {
        unsigned mode = 0;
        int r = 0;

        /* What they would have changed is not known. */
        if (file->error < 0)
                r = problems_add(problems, file->path, 0, false, "let the user midtls-keyd list that folder",
                                 "the folder of its drop-ins cannot be read: %s", strerrordesc_np(-file->error));
        if (r >= 0)
                r = parse_one(file->path, rows, n_rows, problems, userdata, &mode);
        for (size_t i = 0; r >= 0 && file->dropins && file->dropins[i]; i++)
                r = parse_one(file->dropins[i], rows, n_rows, problems, userdata, &mode);
        if (r < 0)
                return r;

        *ret_mode = mode;
        return 0;
}

int config_first_error(const Problems *problems, size_t n_before, char **ret) {
        for (size_t i = n_before; i < problems->n_items; i++)
                if (!problems->items[i].warning) {
                        *ret = problem_to_string(&problems->items[i]);
                        return *ret ? 0 : -ENOMEM;
                }

        *ret = NULL;
        return 0;
}
