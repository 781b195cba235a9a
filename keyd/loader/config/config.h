#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Configuration: midtls.conf, *.profile, *.connection and a MID's config.xml, parsed once
 *
 * config_load() reads; nothing else does. Immutable afterwards. A broken profile or connection is kept with `broken` set
 * and the reason, so that callers of its alias learn why; the others work.
 */

#include "common/problem.h"
#include "keyd/crypto/fetch.h"

typedef enum CredentialStore {
        CREDENTIAL_STORE_NO,
        CREDENTIAL_STORE_CYBERARK,
        CREDENTIAL_STORE_VAULT,
        CREDENTIAL_STORE_CONJUR,
} CredentialStore;

typedef enum KeystoreType {
        KEYSTORE_TYPE_AUTO,
        KEYSTORE_TYPE_PKCS12,
        KEYSTORE_TYPE_JKS,
        KEYSTORE_TYPE_JCEKS,
        KEYSTORE_TYPE_BCFKS,
        KEYSTORE_TYPE_PEM,
} KeystoreType;

/* [CyberArk], [Vault] or [Conjur] of midtls.conf; of the first also what the MID's config.xml says. NULL: not set */
typedef struct StoreConfig {
        char *file;       /* for messages and relative paths: midtls.conf, or config.xml when that is the source; NULL: nothing is set */
        char *problem;    /* why it cannot be asked; NULL: it can */
        char *endpoint;   /* https URL: CyberArk https://HOST/AIMWebService/api/Accounts, the others without a path */
        char *identity;   /* CyberArk: AppID=; Vault: Role=; Conjur: Login= */
        char *scope;      /* Vault: Namespace=; Conjur: Account= */
        char *program;    /* CyberArk: Program=; NULL: over the network */
        char *container;  /* CyberArk: Safe=, for IDs that name none; Vault: Mount= */
        char *folder;     /* CyberArk: Folder= */
        char *field;      /* Vault: Field=, for IDs that name none */
        char *token;      /* Vault: Token=; wiped when freed, as the other two secrets */
        char *credential; /* Vault: SecretID=; Conjur: APIKey= */
        char *login_path; /* Vault: LoginPath= */
        FetchLogin login; /* Vault: Login= */
        bool is_version1; /* Vault: KVVersion=1 */
        uint64_t timeout_usec;
        uint64_t refresh_usec; /* how old a value may become before it is asked for again */
        char *cert_file;       /* the client certificate: PKCS#12, PEM, a Java keystore; absolute, or credential:NAME */
        char *key_file;        /* PEM of its key, when that is a file of its own */
        char *cert_password;   /* as a profile's Password= */
        char *ca_file;         /* absolute; NULL: the system's CA bundle */
} StoreConfig;

typedef struct ProfileConfig {
        char *name;
        char *file; /* for messages */
        bool broken;
        char *reason; /* when broken: "file:line: what; remedy" */
        bool applies; /* AppliesTo= and MidServers= name this host: an absent profile is not handed to calld */
        char *description;
        char *keystore_path; /* absolute after config_load(), or credential:NAME; NULL: config.xml */
        KeystoreType keystore_type;
        char *key_alias;
        char *key_file; /* PEM that belongs to the keystore; NULL: it holds the key itself */
        char *password; /* as configured: "credential:NAME", "file:PATH", "midtls:BASE64", "cyberark:ID" and the like, or plain; wiped when freed */
        char *key_password; /* likewise; NULL: the same as password */
        CredentialStore store;
        bool from_config_xml; /* path, port and password came from config.xml */
        uint16_t default_port;
        char *ca_file;         /* absolute; NULL: the system's CA bundle */
        char *host_key_folder; /* of this host's key, for midtls: passwords; NULL: /etc/midtls */
        char **pins;           /* base64 of 32 bytes, without "sha256/" */
        char **allowed_names;
        uint16_t minimum_tls; /* 0x0303 or 0x0304 */
        char *crl_file;
        uint32_t max_signatures_per_minute;
} ProfileConfig;

typedef struct HeaderConfig {
        char *name;
        char *value;
} HeaderConfig;

typedef struct ConnectionConfig {
        char *alias;
        char *file;
        bool broken;
        char *reason;
        bool applies; /* MidServers= */
        char *profile;
        char *host;
        uint16_t port; /* resolved: the profile's default when not given */
        char *base_path;
        char **mid_servers;
        char **allow_users, **allow_groups, **allow_selinux_contexts, **allow_methods, **allow_paths;
        uint64_t connect_timeout_usec, timeout_usec;
        uint64_t max_request_bytes, max_response_bytes;
        bool http2, session_resumption;
        char *proxy, *proxy_password;
        char **deny_addresses;
        HeaderConfig *headers;
        size_t n_headers;
        char *retry_strategy; /* none fixed exponential retry-after */
        uint64_t retry_interval_usec, retry_max_elapsed_usec;
        uint32_t retry_count;
        char **retry_status_codes;
} ConnectionConfig;

typedef struct Config {
        char *mid_name;
        char *config_xml;         /* absolute, or NULL */
        char *keystore_directory; /* absolute, or NULL */
        char *host_key_folder;    /* the first of the folders that were read */
        uint32_t max_calls, max_calls_per_user;
        uint64_t max_header_bytes_64; /* as configured */
        uint32_t max_header_bytes;    /* checked: 4K to 1M */
        uint64_t header_timeout_usec, idle_timeout_usec, idle_exit_usec;
        char *tcp_token, *conf_file; /* where the token is, or it; the file that says so */
        bool enforce;                /* who may not call is turned away */
        bool sandbox_strict;
        StoreConfig stores[ROLE_STORES];
        bool instance_first; /* what the instance says masks the files here */
        ProfileConfig **profiles;
        size_t n_profiles;
        ConnectionConfig **connections;
        size_t n_connections;
} Config;

/*
 * Reads the configuration. @dir NULL: /etc/midtls over /run/midtls.d over /usr/lib/midtls (a name in an earlier one masks the
 * later ones; drop-ins NAME.profile.d and the like apply on top, sorted by name); else that folder alone.
 * @root is put before every path of the first kind, NULL for none. Opens no keystore and no password file.
 *
 * Return: 0 (look at @problems), or -errno for our own failure
 */
int config_load(const char *dir, const char *root, Config **ret, Problems *problems) _must_check_;

Config *config_free(Config *c);
DEFINE_CLEANUP(Config *, config_free)

const ProfileConfig *config_find_profile(const Config *c, const char *name);
const ConnectionConfig *config_find_connection(const Config *c, const char *alias);
