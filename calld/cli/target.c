/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/cli/target.h"

#include <string.h>

#include "common/parse.h"

/* RFC 9110, 9.1: a method is a token. */
static bool method_valid(const char *s) {
        return *s && strspn(s, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(s);
}

/* RFC 3986, 2: visible ASCII; RFC 9112, 3.2: a request has no fragment. */
static bool target_valid(const char *s) {
        for (; *s; s++)
                if ((unsigned char) *s <= 0x20 || (unsigned char) *s >= 0x7f || *s == '#')
                        return false;

        return true;
}

static const char *set_alias(const char *alias, const char *path, Target *t) {
        if (!alias_name_valid(alias) || strlen(alias) >= sizeof(t->authority))
                return "an alias has letters, digits, '-', '_' and '.' and is not \"midtls\"; see midtls list";
        if (path[0] != '/')
                return "the path begins with /";

        memcpy(t->authority, alias, strlen(alias) + 1);
        t->target = path;
        return NULL;
}

static const char *set_url(const char *url, Target *t) {
        const char *host = strstr(url, "://");
        size_t size;

        if (!host)
                return "write ALIAS [METHOD] PATH, or [METHOD] SCHEME://HOST/PATH";
        host += 3;

        size = strcspn(host, "/?");
        if (size == 0 || size >= sizeof(t->authority) || memchr(host, '@', size))
                return "write SCHEME://HOST[:PORT]/PATH, without a user's name";
        if (host[size] != '/')
                return "the path begins with /, behind the host";

        memcpy(t->authority, host, size);
        t->authority[size] = 0;
        t->target = url;
        return NULL;
}

const char *target_parse(const char *const *words, size_t n_words, Target *ret) {
        bool has_url = n_words > 0 && words[n_words - 1][0] != '/';
        Target t = {};
        const char *wrong;

        if (n_words == 0 || (has_url && n_words > 2) || (!has_url && n_words == 1))
                return "write ALIAS [METHOD] PATH, or [METHOD] SCHEME://HOST/PATH";

        if (has_url)
                wrong = set_url(words[n_words - 1], &t);
        else
                wrong = set_alias(words[0], words[n_words - 1], &t);
        if (wrong)
                return wrong;

        if (n_words == (has_url ? 2 : 3))
                t.method = words[has_url ? 0 : 1];
        if (t.method && !method_valid(t.method))
                return "a method is a word such as GET or POST";
        if (!target_valid(t.target))
                return "percent-encode blanks, '#' and what is not ASCII in the path";

        *ret = t;
        return NULL;
}
