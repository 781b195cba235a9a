#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* Between the files that make up config_load() */

#include "common/ini.h"
#include "keyd/loader/config/config.h"
#include "keyd/loader/config/configxml.h"

/* A configuration file that is in force, with what applies on top of it. */
typedef struct ConfigFile {
        char *name; /* without its suffix */
        char *path;
        char **dropins; /* paths, sorted by name */
        int error;      /* -errno: why they are not known, else 0 */
} ConfigFile;

typedef struct ConfigFiles {
        ConfigFile *items;
        size_t n_items;
} ConfigFiles;

void config_files_done(ConfigFiles *f);

/* The files NAME@suffix in @dirs, those of earlier folders masking later ones, sorted by name. @dirs ends with NULL. */
int config_dir_list(char *const *dirs, const char *suffix, ConfigFiles *ret) _must_check_;

/* Reads a file and its drop-ins into @userdata. *ret_mode: permission bits of all of them, or-ed. */
int config_file_parse(const ConfigFile *file, const IniRow *rows, size_t n_rows, Problems *problems, void *userdata, unsigned *ret_mode) _must_check_;

/* The first error behind the @n_before-th problem as text, or NULL when there is none. Return: 0 or -ENOMEM */
int config_first_error(const Problems *problems, size_t n_before, char **ret) _must_check_;

/* midtls.conf */
int config_load_midtls(char *const *dirs, Config *c, Problems *problems) _must_check_;

/* config-store.c: completes the sections of the secret stores, [CyberArk] with what @xml says, which may be NULL; sees whether they can be used. */
int config_finish_stores(Config *c, const ConfigXml *xml, Problems *problems) _must_check_;
void store_config_done(StoreConfig *c);
bool store_config_is_set(const StoreConfig *c);

/* Relative to the folder of @file; credential:NAME stays as it is. Return: 0 or -ENOMEM */
int store_config_make_absolute(const char *file, char **path) _must_check_;

/* config-cyberark.c: what @xml says where [CyberArk] says nothing. */
int config_take_cyberark(Config *c, const XmlCyberArk *xml, Problems *problems) _must_check_;

/* Whether @value, which is "cyberark:..." and the like or not, names an account: what is wrong is a problem in @file. */
int config_check_account(const Config *c, const char *value, const char *file, unsigned line, Problems *problems) _must_check_;

/* Whether the stores that @p names can be asked: what is wrong is a problem in its file, and none of its own. */
int config_check_stores(const Config *c, const ProfileConfig *p, Problems *problems) _must_check_;

/* True for a password that stands there itself, instead of where it is. */
bool config_password_is_plain(const char *s);

/* One profile; what config.xml says is put in. */
int config_load_profile(const ConfigFile *file, const Config *c, const ConfigXml *xml, ProfileConfig **ret, Problems *problems) _must_check_;
ProfileConfig *profile_config_free(ProfileConfig *p);
DEFINE_CLEANUP(ProfileConfig *, profile_config_free)

/* One connection; its profile is looked up in @c, whose profiles are complete. */
int config_load_connection(const ConfigFile *file, const Config *c, const ConfigXml *xml, ConnectionConfig **ret, Problems *problems) _must_check_;
ConnectionConfig *connection_config_free(ConnectionConfig *p);
DEFINE_CLEANUP(ConnectionConfig *, connection_config_free)

/* True when @names is empty or holds @mid_name (ASCII case ignored). */
bool config_applies_to(char *const *names, const char *mid_name);

/* Parsers of single values, for the rows */

int config_parse_keystore_type(const IniContext *c, void *target);
int config_parse_credential_store(const IniContext *c, void *target);
int config_parse_applies_to(const IniContext *c, void *target); /* bool *: specific */
int config_parse_tls_version(const IniContext *c, void *target);
int config_parse_pins(const IniContext *c, void *target);
int config_parse_hosts(const IniContext *c, void *target);
int config_parse_host(const IniContext *c, void *target);
int config_parse_base_path(const IniContext *c, void *target);
int config_parse_deny_addresses(const IniContext *c, void *target);
int config_parse_proxy(const IniContext *c, void *target);
int config_parse_retry_strategy(const IniContext *c, void *target);
int config_parse_status_codes(const IniContext *c, void *target);
int config_parse_sandbox_mode(const IniContext *c, void *target); /* bool *: strict */
int config_parse_login(const IniContext *c, void *target);        /* FetchLogin * */
int config_parse_kv_version(const IniContext *c, void *target);   /* bool *: version 1 */
int config_parse_precedence(const IniContext *c, void *target);   /* bool *: the instance first */
