/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/config/config.h"

#include <string.h>
#include <strings.h>

#include "keyd/loader/config/config-internal.h"
#include "keyd/loader/file.h"
#include "keyd/loader/instance.h"

#define HOST_NAME_SIZE 256U

Config *config_free(Config *c) {
        if (!c)
                return NULL;

        for (size_t i = 0; i < c->n_profiles; i++)
                profile_config_free(c->profiles[i]);
        for (size_t i = 0; i < c->n_connections; i++)
                connection_config_free(c->connections[i]);
        free(c->profiles);
        free(c->connections);
        free(c->mid_name);
        free(c->config_xml);
        free(c->keystore_directory);
        if (c->tcp_token)
                explicit_bzero(c->tcp_token, strlen(c->tcp_token));
        free(c->tcp_token);
        free(c->conf_file);
        free(c->host_key_folder);
        for (size_t i = 0; i < ROLE_STORES; i++)
                store_config_done(&c->stores[i]);
        free(c);
        return NULL;
}

const ProfileConfig *config_find_profile(const Config *c, const char *name) {
        for (size_t i = 0; i < c->n_profiles; i++)
                if (strcmp(c->profiles[i]->name, name) == 0)
                        return c->profiles[i];

        return NULL;
}

const ConnectionConfig *config_find_connection(const Config *c, const char *alias) {
        for (size_t i = 0; i < c->n_connections; i++)
                if (strcmp(c->connections[i]->alias, alias) == 0)
                        return c->connections[i];

        return NULL;
}

bool config_applies_to(char *const *names, const char *mid_name) {
        if (strv_length(names) == 0)
                return true;

        for (size_t i = 0; names[i]; i++)
                if (strcasecmp(names[i], mid_name) == 0)
                        return true;

        return false;
}

static void dirs_freep(char ***dirs) {
        strv_free(*dirs);
}

static int make_dirs(const char *dir, const char *root, char ***ret) {
        static const char *const standard[] = {"/etc/midtls", "/run/midtls.d", "/usr/lib/midtls"};
        _cleanup_(dirs_freep) char **dirs = calloc(ARRAY_SIZE(standard) + 1, sizeof(*dirs));

        if (!dirs)
                return -ENOMEM;

        if (dir) {
                dirs[0] = strdup(dir);
                if (!dirs[0])
                        return -ENOMEM;
        } else
                for (size_t i = 0; i < ARRAY_SIZE(standard); i++)
                        if (asprintf(&dirs[i], "%s%s", root ? root : "", standard[i]) < 0) {
                                dirs[i] = NULL;
                                return -ENOMEM;
                        }

        *ret = TAKE_PTR(dirs);
        return 0;
}

static int load_xml(const Config *c, ConfigXml **ret, Problems *problems) {
        _cleanup_(secret_freep) Secret *text = NULL;
        LoadFailure failure;
        mode_t mode = 0;
        int r;

        if (!c->config_xml)
                return 0;

        r = file_read(c->config_xml, FILE_POLICY_CONFIG, &text, &mode, &failure);
        if (r < 0)
                return r;
        if (r > 0)
                return problems_add(problems, c->config_xml, 0, false, failure.hint, "%s", failure.detail);
        if (mode & 04) {
                r = problems_add(problems, c->config_xml, 0, true, "chmod o-r it", "the file can be read by others (mode %04o)", mode);
                if (r < 0)
                        return r;
        }

        return configxml_parse(c->config_xml, text, ret, problems);
}

/* Name=, else config.xml's, else the host's */
static int choose_mid_name(Config *c, const ConfigXml *xml) {
        char host[HOST_NAME_SIZE] = "localhost";

        if (c->mid_name)
                return 0;
        if (!xml || !xml->mid_name || !*xml->mid_name)
                ignore_result(gethostname(host, sizeof(host) - 1), "then it is called localhost");

        c->mid_name = strdup(xml && xml->mid_name && *xml->mid_name ? xml->mid_name : host);
        return c->mid_name ? 0 : -ENOMEM;
}

/* The folder of the instance's profiles, where there is one, masks the others or is masked by them. The texts are borrowed. */
static int add_instance(char *const *dirs, const Config *c, char *folder, char ***ret) {
        size_t n = strv_length(dirs), own = c->instance_first ? 0 : n;

        *ret = calloc(n + 2, sizeof(**ret));
        if (!*ret)
                return -ENOMEM;
        for (size_t i = 0; i < n; i++)
                (*ret)[c->instance_first ? i + 1 : i] = dirs[i];
        if (store_config_is_set(&c->stores[ROLE_STORE_INSTANCE]) && folder)
                (*ret)[own] = folder;
        else if (c->instance_first)
                memmove(*ret, *ret + 1, n * sizeof(**ret));

        return 0;
}

static void free_listp(char ***list) {
        free(*list);
}

static int load_profiles(char *const *dirs, Config *c, const ConfigXml *xml, Problems *problems) {
        _cleanup_(config_files_done) ConfigFiles files = {};
        _cleanup_(free_listp) char **all = NULL;
        _cleanup_free_ char *folder = NULL;
        int r;

        r = instance_folder(&folder);
        if (r >= 0)
                r = add_instance(dirs, c, folder, &all);
        if (r >= 0)
                r = config_dir_list(all, ".profile", &files);
        if (r < 0)
                return r;
        c->profiles = calloc(files.n_items + 1, sizeof(*c->profiles));
        if (!c->profiles)
                return -ENOMEM;

        for (size_t i = 0; i < files.n_items; i++) {
                r = config_load_profile(&files.items[i], c, xml, &c->profiles[c->n_profiles], problems);
                if (r < 0)
                        return r;
                c->n_profiles++;
        }
        return 0;
}

static int load_connections(char *const *dirs, Config *c, const ConfigXml *xml, Problems *problems) {
        _cleanup_(config_files_done) ConfigFiles files = {};
        int r;

        r = config_dir_list(dirs, ".connection", &files);
        if (r < 0)
                return r;
        c->connections = calloc(files.n_items + 1, sizeof(*c->connections));
        if (!c->connections)
                return -ENOMEM;

        for (size_t i = 0; i < files.n_items; i++) {
                r = config_load_connection(&files.items[i], c, xml, &c->connections[c->n_connections], problems);
                if (r < 0)
                        return r;
                c->n_connections++;
        }
        return 0;
}

int config_load(const char *dir, const char *root, Config **ret, Problems *problems) {
        _cleanup_(config_freep) Config *c = NULL;
        _cleanup_(configxml_freep) ConfigXml *xml = NULL;
        _cleanup_(dirs_freep) char **dirs = NULL;
        int r;

        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        r = make_dirs(dir, root, &dirs);
        if (r < 0)
                return r;
        c->host_key_folder = strdup(dirs[0]);
        r = c->host_key_folder ? 0 : -ENOMEM;
        if (r >= 0)
                r = config_load_midtls(dirs, c, problems);
        if (r >= 0)
                r = load_xml(c, &xml, problems);
        if (r >= 0)
                r = choose_mid_name(c, xml);
        if (r >= 0)
                r = config_finish_stores(c, xml, problems);
        if (r >= 0)
                r = load_profiles(dirs, c, xml, problems);
        if (r >= 0)
                r = load_connections(dirs, c, xml, problems);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}
