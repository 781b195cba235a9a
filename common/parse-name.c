/* SPDX-License-Identifier: Apache-2.0 */

/* Names: which strings may name a profile, an alias, a host */

#include <arpa/inet.h>
#include <strings.h>

#include "common/parse.h"
#include "common/proto.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define PROTOCOL_NAME_MAX 31U

/* A profile is a URL scheme: one that clients know already would never reach us. */
static const char *const known_schemes[] = {
        "data",       "dict", "dns",   "file",   "ftp",  "ftps",  "gopher", "gophers", "http",  "https", "imap", "imaps", "jar",
        "javascript", "ldap", "ldaps", "mailto", "mqtt", "news",  "nfs",    "pop3",    "pop3s", "rtmp",  "rtsp", "scp",   "sftp",
        "sip",        "sips", "smb",   "smbs",   "smtp", "smtps", "ssh",    "telnet",  "tftp",  "urn",   "ws",   "wss",
};

bool protocol_name_valid(const char *s) {
        size_t size = strlen(s);

        if (size == 0 || size > PROTOCOL_NAME_MAX)
                return false;
        if (strspn(s, LOWER DIGITS) != size || s[0] < 'a' || s[0] > 'z')
                return false;

        for (size_t i = 0; i < ARRAY_SIZE(known_schemes); i++)
                if (strcmp(s, known_schemes[i]) == 0)
                        return false;

        return true;
}

bool alias_name_valid(const char *s) {
        size_t size = strlen(s);

        if (size == 0 || size > PROTO_NAME_MAX || strcasecmp(s, "midtls") == 0)
                return false;

        return strspn(s, UPPER LOWER DIGITS "-_.") == size && strcspn(s, "-_.") > 0;
}

bool host_is_address(const char *s) {
        uint8_t address[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1;
}

/* RFC 1123, 2.1: labels of letters, digits and hyphens, none at the ends; underscores are met in practice. */
static bool label_valid(const char *s, size_t size) {
        return size >= 1 && size <= 63 && strspn(s, UPPER LOWER DIGITS "-_") >= size && s[0] != '-' && s[size - 1] != '-';
}

bool host_valid(const char *s) {
        size_t size = strlen(s);

        if (host_is_address(s))
                return true;
        if (size == 0 || size > PROTO_HOST_MAX)
                return false;

        for (;;) {
                size_t label = strcspn(s, ".");

                if (!label_valid(s, label))
                        return false;
                /* A last label of digits alone would be a mistyped address (RFC 3696, 2). */
                if (!s[label])
                        return strspn(s, DIGITS) != label;
                s += label + 1;
        }
}
