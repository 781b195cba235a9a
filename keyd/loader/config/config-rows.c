/* SPDX-License-Identifier: Apache-2.0 */

/* Parsers of single values: each says what would be right */

#include <arpa/inet.h>
#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

#include "common/parse.h"
#include "common/proto.h"
#include "keyd/loader/config/config-internal.h"

static int complain(const IniContext *c, const char *remedy) {
        return problems_add(c->problems, c->file, c->line, false, remedy, "%s= has a value that cannot be used", c->key);
}

/* The index of @value in @names (ASCII case ignored), or -1. */
static int find_name(const char *value, const char *const *names, size_t n_names) {
        for (size_t i = 0; i < n_names; i++)
                if (strcasecmp(value, names[i]) == 0)
                        return (int) i;

        return -1;
}

int config_parse_keystore_type(const IniContext *c, void *target) {
        static const char *const names[] = {"auto", "pkcs12", "jks", "jceks", "bcfks", "pem"};
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write auto, pkcs12, jks, jceks, bcfks or pem");

        *(KeystoreType *) target = (KeystoreType) i;
        return 0;
}

int config_parse_credential_store(const IniContext *c, void *target) {
        static const char *const names[] = {"no", "cyberark", "vault", "conjur"};
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write no, cyberark, vault or conjur");

        *(CredentialStore *) target = (CredentialStore) i;
        return 0;
}

int config_parse_applies_to(const IniContext *c, void *target) {
        static const char *const names[] = {"all", "specific"};
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write all or specific");

        *(bool *) target = i == 1;
        return 0;
}

int config_parse_tls_version(const IniContext *c, void *target) {
        if (strcmp(c->value, "1.2") == 0)
                *(uint16_t *) target = TLS_VERSION_1_2;
        else if (strcmp(c->value, "1.3") == 0)
                *(uint16_t *) target = TLS_VERSION_1_3;
        else
                return complain(c, "write 1.2 or 1.3");

        return 0;
}

int config_parse_sandbox_mode(const IniContext *c, void *target) {
        static const char *const names[] = {"best-effort", "strict"};
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write strict or best-effort");

        *(bool *) target = i == 1;
        return 0;
}

int config_parse_login(const IniContext *c, void *target) {
        static const char *const names[_FETCH_LOGIN_MAX] = {
                [FETCH_LOGIN_CERTIFICATE] = "certificate",
                [FETCH_LOGIN_TOKEN] = "token",
                [FETCH_LOGIN_APPROLE] = "approle",
        };
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write token, approle or certificate");

        *(FetchLogin *) target = (FetchLogin) i;
        return 0;
}

int config_parse_kv_version(const IniContext *c, void *target) {
        if (strcmp(c->value, "1") != 0 && strcmp(c->value, "2") != 0)
                return complain(c, "write 1 or 2");

        *(bool *) target = c->value[0] == '1';
        return 0;
}

int config_parse_precedence(const IniContext *c, void *target) {
        static const char *const names[] = {"local", "instance"};
        int i = find_name(c->value, names, ARRAY_SIZE(names));

        if (i < 0)
                return complain(c, "write local or instance");

        *(bool *) target = i == 1;
        return 0;
}

typedef bool (*WordValid)(const char *word);

/* A list of words, each of which must be valid and not longer than a message takes. */
static int parse_checked_words(const IniContext *c, void *target, WordValid valid, const char *remedy) {
        char ***words = target;
        int r;

        r = ini_parser_words(c, target);
        if (r < 0)
                return r;
        if (strv_length(*words) > PROTO_LIST_MAX)
                return complain(c, "64 words at most");

        for (size_t i = 0; (*words)[i]; i++)
                if (!valid((*words)[i]))
                        return complain(c, remedy);

        return 0;
}

/* sha256/BASE64 of 32 bytes, as curl's --pinnedpubkey has it (there with two slashes, which are taken too) */
static bool pin_valid(const char *s) {
        uint8_t bytes[48];

        if (strncmp(s, "sha256/", 7) != 0)
                return false;
        s += s[7] == '/' ? 8 : 7;

        /* 44 characters of base64 with one '=' are 32 bytes. */
        return strlen(s) == 44 && s[43] == '=' && s[42] != '=' && EVP_DecodeBlock(bytes, (const unsigned char *) s, 44) == 33;
}

/* Kept without what stands before the base64. */
int config_parse_pins(const IniContext *c, void *target) {
        char ***pins = target;
        size_t n_errors = c->problems->n_errors;
        int r;

        r = parse_checked_words(c, target, pin_valid, "write sha256/ and the base64 of the SHA-256 of the server's public key");
        if (r < 0 || c->problems->n_errors > n_errors)
                return r;

        for (size_t i = 0; (*pins)[i]; i++) {
                char *pin = (*pins)[i];

                memmove(pin, pin + strlen(pin) - 44, 45);
        }
        return 0;
}

int config_parse_hosts(const IniContext *c, void *target) {
        return parse_checked_words(c, target, host_valid, "write DNS names, separated by blanks");
}

int config_parse_host(const IniContext *c, void *target) {
        if (!host_valid(c->value))
                return complain(c, "write a DNS name or an IP address, without port or scheme");

        return ini_parser_string(c, target);
}

static bool base_path_valid(const char *s) {
        if (strlen(s) > PROTO_TEXT_MAX)
                return false;

        for (const char *p = s; *p; p++)
                if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f || strchr("?#\\\"<>", *p))
                        return false;

        return !*s || s[0] == '/';
}

/* RFC 3986, 3.3: a segment "." or ".." would be read differently by different servers. */
static bool has_dot_segment(const char *s) {
        for (const char *p = strchr(s, '/'); p; p = strchr(p + 1, '/')) {
                size_t size = strcspn(p + 1, "/");

                if ((size == 1 && p[1] == '.') || (size == 2 && p[1] == '.' && p[2] == '.'))
                        return true;
        }
        return false;
}

int config_parse_base_path(const IniContext *c, void *target) {
        char **path = target;
        size_t size;
        int r;

        if (!base_path_valid(c->value) || has_dot_segment(c->value))
                return complain(c, "write a path that begins with /, percent-encoded, without query and dot segments");

        r = ini_parser_string(c, target);
        if (r < 0)
                return r;

        /* "/" and "/api/" are "" and "/api": what is appended begins with a slash. */
        size = strlen(*path);
        while (size > 0 && (*path)[size - 1] == '/')
                (*path)[--size] = 0;
        return 0;
}

static bool cidr_valid(const char *s) {
        char address[INET6_ADDRSTRLEN];
        size_t size = strcspn(s, "/");
        uint64_t prefix;

        if (size >= sizeof(address))
                return false;
        memcpy(address, s, size);
        address[size] = 0;
        if (!host_is_address(address))
                return false;

        return !s[size] || parse_uint(s + size + 1, 0, strchr(address, ':') ? 128 : 32, &prefix) == 0;
}

static bool deny_address_valid(const char *s) {
        static const char *const names[] = {"loopback", "private", "link-local", "none"};

        return find_name(s, names, ARRAY_SIZE(names)) >= 0 || cidr_valid(s);
}

int config_parse_deny_addresses(const IniContext *c, void *target) {
        return parse_checked_words(c, target, deny_address_valid, "write loopback, private, link-local, none, or address ranges such as 10.0.0.0/8");
}

/* scheme://[USER@]HOST:PORT, the user percent-encoded where need be (RFC 3986, 3.2.1); no password, which would be shown with it */
static bool proxy_valid(const char *s) {
        static const char *const schemes[] = {"http://", "socks5://", "socks5h://"};
        _cleanup_free_ char *host = NULL;
        const char *rest = NULL, *at, *colon;
        uint16_t port;

        for (size_t i = 0; i < ARRAY_SIZE(schemes) && !rest; i++)
                if (strncmp(s, schemes[i], strlen(schemes[i])) == 0)
                        rest = s + strlen(schemes[i]);
        if (!rest || strlen(s) > PROTO_TEXT_MAX)
                return false;
        for (const char *p = s; *p; p++)
                if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f)
                        return false;

        at = strrchr(rest, '@');
        if (at && (at == rest || strcspn(rest, ":/") < (size_t) (at - rest)))
                return false;
        rest = at ? at + 1 : rest;
        colon = strrchr(rest, ':');
        if (!colon || parse_port(colon + 1, &port) < 0)
                return false;

        /* RFC 3986, 3.2.2: an IPv6 address stands in brackets */
        host = *rest == '[' && colon > rest + 1 && colon[-1] == ']' ? strndup(rest + 1, (size_t) (colon - rest) - 2)
                                                                    : strndup(rest, (size_t) (colon - rest));
        return host && host_valid(host) && (*rest == '[') == !!strchr(host, ':');
}

int config_parse_proxy(const IniContext *c, void *target) {
        if (*c->value && !proxy_valid(c->value))
                return complain(c, "write http://HOST:PORT, socks5://HOST:PORT or socks5h://HOST:PORT, with USER@ before HOST where one is needed; "
                                   "the password goes into ProxyPassword=");

        return ini_parser_string(c, target);
}

int config_parse_retry_strategy(const IniContext *c, void *target) {
        static const char *const names[] = {"none", "fixed", "exponential", "retry-after"};

        if (find_name(c->value, names, ARRAY_SIZE(names)) < 0)
                return complain(c, "write none, fixed, exponential or retry-after");

        return ini_parser_string(c, target);
}

static bool status_code_valid(const char *s) {
        uint64_t v;

        return strlen(s) == 3 && parse_uint(s, 400, 599, &v) == 0;
}

int config_parse_status_codes(const IniContext *c, void *target) {
        return parse_checked_words(c, target, status_code_valid, "write status codes from 400 to 599, separated by blanks");
}
