/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/cyberark-id.h"

#include <string.h>

#define BLANKS " \t"

/* @size bytes without the blanks around them. Return: 0; 1 when too long or not text */
static int copy(char ret[static CYBERARK_NAME_MAX + 1], const char *text, size_t size) {
        while (size > 0 && strchr(BLANKS, text[0])) {
                text++;
                size--;
        }
        while (size > 0 && strchr(BLANKS, text[size - 1]))
                size--;
        if (size > CYBERARK_NAME_MAX)
                return 1;

        for (size_t i = 0; i < size; i++)
                if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)
                        return 1;
        memcpy(ret, text, size);
        ret[size] = 0;
        return 0;
}

/* "id=ID, type=TYPE", in either order; the type is that of a MID's credential and says nothing here. */
static int parse_members(const char *text, CyberArkId *ret) {
        char unused[CYBERARK_NAME_MAX + 1];

        while (*text) {
                size_t size = strcspn(text, ",");
                const char *member = text + strspn(text, BLANKS);
                bool is_id = strncmp(member, "id=", 3) == 0;

                if (member > text + size || (!is_id && strncmp(member, "type=", 5) != 0) || (is_id && ret->object[0]))
                        return 1;
                member += is_id ? 3 : 5;
                if (copy(is_id ? ret->object : unused, member, (size_t) (text + size - member)) != 0)
                        return 1;
                text += size + (text[size] == ',');
        }
        return !ret->object[0];
}

int cyberark_id_parse(const char *text, CyberArkId *ret) {
        const char *first, *second, *members = text + strspn(text, ":" BLANKS);
        CyberArkId id = {};
        int r;

        /* Documented with one colon before it, and with two. */
        if (strncmp(members, "id=", 3) == 0 || strncmp(members, "type=", 5) == 0) {
                r = parse_members(members, &id);
                if (r == 0)
                        *ret = id;
                return r;
        }

        first = strchr(text, ':');
        second = first ? strchr(first + 1, ':') : NULL;
        if (!first)
                r = copy(id.object, text, strlen(text));
        else {
                r = copy(id.safe, text, (size_t) (first - text));
                if (r == 0)
                        r = copy(id.object, first + 1, second ? (size_t) (second - first - 1) : strlen(first + 1));
                if (r == 0 && second)
                        r = copy(id.platform, second + 1, strlen(second + 1));
        }
        /* Without an ID a MID looks an account up by the address of what it is for: a key has none. */
        if (r != 0 || !id.object[0] || (first && !id.safe[0]) || strchr(id.platform, ':'))
                return 1;

        *ret = id;
        return 0;
}
