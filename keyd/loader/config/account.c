/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/config/account.h"

#include <string.h>

#include "common/def.h"

#define BLANKS " \t"
#define CYBERARK_TEXT_MAX 180U

/* @size bytes without the blanks around them. Return: 0; 1 when longer than @max or not text */
static int copy(char ret[static ACCOUNT_TEXT_MAX + 1], const char *text, size_t size, size_t max) {
        while (size > 0 && strchr(BLANKS, text[0])) {
                text++;
                size--;
        }
        while (size > 0 && strchr(BLANKS, text[size - 1]))
                size--;
        if (size > max)
                return 1;

        for (size_t i = 0; i < size; i++)
                if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
                        return 1;
        memcpy(ret, text, size);
        ret[size] = 0;
        return 0;
}

/* CyberArk */

/* "id=ID, type=TYPE", in either order; the type is that of a MID's credential and says nothing here. */
static int parse_members(const char *text, AccountId *ret) {
        char unused[ACCOUNT_TEXT_MAX + 1];

        while (*text) {
                size_t size = strcspn(text, ",");
                const char *member = text + strspn(text, BLANKS);
                bool is_id = strncmp(member, "id=", 3) == 0;

                if (member > text + size || (!is_id && strncmp(member, "type=", 5) != 0) || (is_id && ret->object[0]))
                        return 1;
                member += is_id ? 3 : 5;
                if (copy(is_id ? ret->object : unused, member, (size_t) (text + size - member), CYBERARK_TEXT_MAX) != 0)
                        return 1;
                text += size + (text[size] == ',');
        }
        return !ret->object[0];
}

static int parse_cyberark(const char *text, AccountId *ret) {
        const char *first, *second, *members = text + strspn(text, ":" BLANKS);
        int r;

        /* Documented with one colon before it, and with two. */
        if (strncmp(members, "id=", 3) == 0 || strncmp(members, "type=", 5) == 0)
                return parse_members(members, ret);

        first = strchr(text, ':');
        second = first ? strchr(first + 1, ':') : NULL;
        if (!first)
                r = copy(ret->object, text, strlen(text), CYBERARK_TEXT_MAX);
        else {
                r = copy(ret->container, text, (size_t) (first - text), CYBERARK_TEXT_MAX);
                if (r == 0)
                        r = copy(ret->object, first + 1, second ? (size_t) (second - first - 1) : strlen(first + 1), CYBERARK_TEXT_MAX);
                if (r == 0 && second)
                        r = copy(ret->part, second + 1, strlen(second + 1), CYBERARK_TEXT_MAX);
        }
        /* Without an ID a MID looks an account up by the address of what it is for: a key has none. */
        return r != 0 || !ret->object[0] || (first && !ret->container[0]) || strchr(ret->part, ':');
}

/* Vault */

/* Segments that neither are empty nor lead elsewhere (RFC 3986, 3.3) */
static bool path_valid(const char *path) {
        for (const char *p = path;; p++) {
                size_t size = strcspn(p, "/");

                if (size == 0 || (size == 1 && p[0] == '.') || (size == 2 && p[0] == '.' && p[1] == '.'))
                        return false;
                p += size;
                if (!*p)
                        return true;
        }
}

static int parse_vault(const char *text, AccountId *ret) {
        const char *hash = strchr(text, '#');

        if (copy(ret->object, text, hash ? (size_t) (hash - text) : strlen(text), ACCOUNT_TEXT_MAX) != 0)
                return 1;
        if (hash && (copy(ret->part, hash + 1, strlen(hash + 1), ACCOUNT_TEXT_MAX) != 0 || !ret->part[0] || strchr(ret->part, '#')))
                return 1;

        return !path_valid(ret->object);
}

/* Conjur */

static int parse_conjur(const char *text, AccountId *ret) {
        return copy(ret->object, text, strlen(text), ACCOUNT_TEXT_MAX) != 0 || !ret->object[0];
}

/* clang-format off */
static const struct {
        const char *name, *prefix, *form;
        int (*parse)(const char *text, AccountId *ret);
} stores[ROLE_STORES] = {
        [ROLE_STORE_CYBERARK] = {"CyberArk", ACCOUNT_CYBERARK_PREFIX, "write ID, SAFE:ID or SAFE:ID:PLATFORM",                  parse_cyberark},
        [ROLE_STORE_VAULT] =    {"Vault",    "vault:",                "write PATH or PATH#FIELD, without the mount of the engine", parse_vault},
        [ROLE_STORE_CONJUR] =   {"Conjur",   "conjur:",               "write the ID of the variable",                            parse_conjur},
        [ROLE_STORE_INSTANCE] = {"the instance", NULL, "write the name of the table", parse_conjur},
};
/* clang-format on */

const char *account_store_name(RoleStore store) {
        return stores[store].name;
}

const char *account_prefix(RoleStore store) {
        return stores[store].prefix;
}

const char *account_form(RoleStore store) {
        return stores[store].form;
}

bool account_find(const char *value, RoleStore *ret, const char **ret_id) {
        for (size_t i = 0; value && i < ARRAY_SIZE(stores); i++)
                if (stores[i].prefix && strncmp(value, stores[i].prefix, strlen(stores[i].prefix)) == 0) {
                        if (ret)
                                *ret = (RoleStore) i;
                        if (ret_id)
                                *ret_id = value + strlen(stores[i].prefix);
                        return true;
                }

        return false;
}

int account_parse(RoleStore store, const char *text, AccountId *ret) {
        AccountId id = {};

        if (stores[store].parse(text, &id) != 0)
                return 1;
        *ret = id;
        return 0;
}
