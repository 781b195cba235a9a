/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/watchlist.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "common/msg-load.h"
#include "common/proto.h"
#include "keyd/loader/file.h"
#include "keyd/loader/instance.h"

#define LINKS_MAX 40U /* as path_resolution(7) */

static void closedirp(DIR **d) {
        if (*d)
                closedir(*d);
}

/* A path that the protocol cannot hold is not watched: the refresh finds what changes there. */
static int add(const char *folder, const char *name, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgWatch m = {.folder = span_from_string(folder), .name = span_from_string(name)};
        MsgWatch decoded;
        int r;

        r = msg_watch_encode(&record, &m);
        if (r < 0)
                return r;
        if (msg_watch_decode(span_make(record.data + 1, record.size - 1), &decoded) != 0)
                return 0;

        for (size_t i = 0; i < record_list_count(ret); i++)
                if (span_equal(record_list_get(ret, i), buf_span(&record)))
                        return 0;

        r = record_list_add(ret, buf_span(&record));
        return r == -E2BIG ? 0 : r;
}

/* @rest appended to @folder with one slash. Return: false when too long */
static bool join(char ret[static PATH_MAX], const char *folder, const char *rest) {
        int n = snprintf(ret, PATH_MAX, "%s%s%s", folder, strcmp(folder, "/") == 0 ? "" : "/", rest);

        return n > 0 && n < PATH_MAX;
}

static void parent(char *folder) {
        char *slash = strrchr(folder, '/');

        slash[slash == folder] = 0;
}

typedef struct Walk {
        char folder[PATH_MAX]; /* where we are: absolute, no link in it */
        char rest[PATH_MAX];   /* what remains to be walked */
        size_t n_links;
} Walk;

/* Replaces the link @name in the folder by where it leads. Return: false when that cannot be followed */
static bool follow(Walk *w, const char *path) {
        char target[PATH_MAX], rest[PATH_MAX];
        ssize_t n = readlink(path, target, sizeof(target) - 1);

        if (n < 0 || ++w->n_links > LINKS_MAX)
                return false;
        target[n] = 0;
        if (!join(rest, target, w->rest))
                return false;

        memcpy(w->rest, rest, sizeof(rest));
        if (target[0] == '/')
                memcpy(w->folder, "/", 2);
        return true;
}

/* One component. Return: 0 to go on, 1 at the end, -errno */
static int step(Walk *w, RecordList *ret) {
        char name[NAME_MAX + 1], path[PATH_MAX];
        size_t skip = strspn(w->rest, "/"), size = strcspn(w->rest + skip, "/");
        struct stat st;
        bool last;
        int r;

        if (size == 0 || size > NAME_MAX)
                return 1;
        memcpy(name, w->rest + skip, size);
        name[size] = 0;
        memmove(w->rest, w->rest + skip + size, strlen(w->rest + skip + size) + 1);
        last = w->rest[strspn(w->rest, "/")] == 0;

        if (strcmp(name, ".") == 0)
                return 0;
        if (strcmp(name, "..") == 0) {
                parent(w->folder);
                return 0;
        }
        if (!join(path, w->folder, name))
                return 1;

        /* Not there: whatever makes it begins with this entry. */
        if (lstat(path, &st) < 0) {
                r = add(w->folder, name, ret);
                return r < 0 ? r : 1;
        }
        if (S_ISLNK(st.st_mode) || last) {
                r = add(w->folder, name, ret);
                if (r < 0)
                        return r;
        }
        if (S_ISLNK(st.st_mode))
                return follow(w, path) ? 0 : 1;

        memcpy(w->folder, path, sizeof(path));
        return last;
}

static int walk(const char *path, Walk *w, RecordList *ret) {
        char here[PATH_MAX] = "/";
        int r;

        if (path[0] != '/' && !getcwd(here, sizeof(here)))
                return 1;
        *w = (Walk) {.folder = "/"};
        if (path[0] == '/' ? snprintf(w->rest, sizeof(w->rest), "%s", path) >= PATH_MAX : !join(w->rest, here, path))
                return 1;

        do
                r = step(w, ret);
        while (r == 0);

        return r;
}

int watchlist_add_path(const char *path, RecordList *ret) {
        Walk w;
        int r = walk(path, &w, ret);

        return r < 0 ? r : 0;
}

/* A folder with all that is in it, and the folders of drop-ins. */
static int add_folder(const char *path, RecordList *ret) {
        _cleanup_(closedirp) DIR *d = opendir(path);
        char inner[PATH_MAX];
        struct dirent *e;
        Walk w;
        int r;

        r = walk(path, &w, ret);
        if (r < 0 || !d)
                return MIN_OF(r, 0);
        r = add(w.folder, "", ret);

        while (r >= 0 && (e = readdir(d))) {
                size_t size = strlen(e->d_name);

                if (size > 2 && strcmp(e->d_name + size - 2, ".d") == 0 && join(inner, w.folder, e->d_name))
                        r = add(inner, "", ret);
        }
        return r;
}

int watchlist_add_folders(const char *dir, RecordList *ret) {
        static const char *const standard[] = {"/etc/midtls", "/run/midtls.d", "/usr/lib/midtls"};
        _cleanup_free_ char *instance = NULL;
        int r;

        r = instance_folder(&instance);
        if (r >= 0 && instance)
                r = add_folder(instance, ret);
        if (r >= 0 && dir)
                return add_folder(dir, ret);
        for (size_t i = 0; i < ARRAY_SIZE(standard) && r >= 0; i++)
                r = add_folder(standard[i], ret);

        return r;
}

/* A relative one is beside the file that names it; @file NULL: nothing is set. */
static int add_password(const char *file, const char *password, RecordList *ret) {
        const char *slash = file ? strrchr(file, '/') : NULL;
        char path[PATH_MAX];

        if (!password || strncmp(password, "file:", 5) != 0)
                return 0;
        if (password[5] == '/' || !slash)
                return watchlist_add_path(password + 5, ret);
        if (snprintf(path, sizeof(path), "%.*s%s", (int) (slash - file) + 1, file, password + 5) >= PATH_MAX)
                return 0;

        return watchlist_add_path(path, ret);
}

static int add_profile(const ProfileConfig *p, RecordList *ret) {
        const char *const paths[] = {p->keystore_path, p->ca_file, p->crl_file};
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0; i++)
                if (paths[i])
                        r = watchlist_add_path(paths[i], ret);
        if (r >= 0)
                r = add_password(p->file, p->password, ret);
        if (r >= 0)
                r = add_password(p->file, p->key_password, ret);

        return r;
}

static int add_store(const StoreConfig *k, RecordList *ret) {
        const char *const paths[] = {k->cert_file, k->key_file, k->ca_file};
        const char *const secrets[] = {k->cert_password, k->token, k->credential};
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(paths) && r >= 0; i++)
                if (paths[i])
                        r = watchlist_add_path(paths[i], ret);

        for (size_t i = 0; i < ARRAY_SIZE(secrets) && r >= 0; i++)
                r = add_password(k->file, secrets[i], ret);

        return r;
}

int watchlist_add_files(const Config *c, RecordList *ret) {
        /* Debian's and Red Hat's bundle, for profiles without CAFile= */
        static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"};
        bool uses_bundle = false;
        int r = 0;

        if (c->config_xml)
                r = watchlist_add_path(c->config_xml, ret);
        for (size_t i = 0; i < ROLE_STORES && r >= 0; i++)
                r = add_store(&c->stores[i], ret);
        if (r >= 0)
                r = add_password(c->conf_file, c->tcp_token, ret);
        for (size_t i = 0; i < c->n_profiles && r >= 0; i++)
                if (c->profiles[i]->applies) {
                        uses_bundle = uses_bundle || !c->profiles[i]->ca_file;
                        r = add_profile(c->profiles[i], ret);
                }
        for (size_t i = 0; i < c->n_connections && r >= 0; i++)
                if (c->connections[i]->applies)
                        r = add_password(c->connections[i]->file, c->connections[i]->proxy_password, ret);
        for (size_t i = 0; i < ARRAY_SIZE(bundles) && r >= 0 && uses_bundle; i++)
                if (access(bundles[i], F_OK) == 0)
                        r = watchlist_add_path(bundles[i], ret);

        return r;
}
