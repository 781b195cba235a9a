/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/ccp.h"

#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#define NAME_SHOWN 100 /* characters of a name in a sentence */

#define HINT_LATER "nothing to do at first: it is tried again by itself, at growing intervals"
#define HINT_QUERY "correct the account's ID (ID, SAFE:ID or SAFE:ID:PLATFORM), or Safe= and Folder= in [CyberArk]"
#define HINT_APP "the vault's administrators define the application and what it may do; AppID= in [CyberArk] must be its name"
#define HINT_OBJECT "the ID is the account's Name; the application (AppID=) must be a member of its safe with the right to retrieve"
#define HINT_IDENTITY "see which certificates, addresses and users the vault allows for this application, and whether CertFile= is one of them"
#define HINT_ENDPOINT "see Endpoint= in [CyberArk]: https://HOST/AIMWebService/api/Accounts"

typedef struct Meaning {
        const char *code;
        FetchClass class;
        const char *what;
        const char *hint;
} Meaning;

/* clang-format off */
static const Meaning meanings[] = {
        {"AIMWS030E", FETCH_CONFIGURATION, "the query has an invalid format", HINT_QUERY},
        {"AIMWS031E", FETCH_CONFIGURATION, "the query names no application", "set AppID= in [CyberArk]"},
        {"APPAP004E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"APPAP007E", FETCH_RETRY_ALL,     "the connection to the vault failed", HINT_LATER},
        {"APPAP008E", FETCH_ALERT,         "the application is not defined in the vault", HINT_APP},
        {"APPAP081E", FETCH_CONFIGURATION, "the query has invalid content", HINT_QUERY},
        {"APPAP087E", FETCH_ALERT,         "the application may not run from this path", HINT_IDENTITY},
        {"APPAP132E", FETCH_ALERT,         "the application does not have the hash that the vault expects", HINT_IDENTITY},
        {"APPAP133E", FETCH_ALERT,         "this host or user may not use the application", HINT_IDENTITY},
        {"APPAP227E", FETCH_CONFIGURATION, "more than one object fits the query", HINT_QUERY},
        {"APPAP228E", FETCH_CONFIGURATION, "more than one object fits the query", HINT_QUERY},
        {"APPAP229E", FETCH_CONFIGURATION, "more than one object fits the query", HINT_QUERY},
        {"APPAP230E", FETCH_CONFIGURATION, "more than one object fits the query", HINT_QUERY},
        {"APPAP249E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"APPAP251E", FETCH_CONFIGURATION, "more than one object fits the query", HINT_QUERY},
        {"APPAP282E", FETCH_RETRY,         "the value is being changed just now", HINT_LATER},
        {"APPAP306E", FETCH_ALERT,         "the application could not be authenticated", HINT_IDENTITY},
        {"APPAP324E", FETCH_CONFIGURATION, "there is no such object, or this application may not read it", HINT_OBJECT},
        {"CASVL010E", FETCH_CONFIGURATION, "the query has invalid characters", HINT_QUERY},
};

/* Where no known code tells more */
static const struct {
        long first, last;
        Meaning meaning;
} statuses[] = {
        {300, 399, {"", FETCH_CONFIGURATION, "it sends elsewhere, which is not followed", HINT_ENDPOINT}},
        {401, 401, {"", FETCH_ALERT,         "the client certificate is not accepted", HINT_IDENTITY}},
        {403, 403, {"", FETCH_ALERT,         "access is refused", HINT_IDENTITY}},
        {404, 404, {"", FETCH_CONFIGURATION, "there is no Central Credential Provider at this address", HINT_ENDPOINT}},
        {408, 408, {"", FETCH_RETRY_ALL,     "it was too slow for itself", HINT_LATER}},
        {429, 429, {"", FETCH_RETRY_ALL,     "it is asked too often", HINT_LATER}},
        {400, 499, {"", FETCH_CONFIGURATION, "it does not take the query", HINT_QUERY}},
        {500, 501, {"", FETCH_RETRY,         "it failed inside", HINT_LATER}},
        {502, 504, {"", FETCH_RETRY_ALL,     "it is not available", HINT_LATER}},
        {505, 599, {"", FETCH_RETRY,         "it failed inside", HINT_LATER}},
};
/* clang-format on */

void ccp_fail(FetchAnswer *ret, FetchClass class, const char *hint, const char *detail_format, ...) {
        va_list ap;

        *ret = (FetchAnswer) {.class = class};
        va_start(ap, detail_format);
        vsnprintf(ret->detail, sizeof(ret->detail), detail_format, ap);
        va_end(ap);
        snprintf(ret->hint, sizeof(ret->hint), "%s", hint);

        /* What libraries say may hold what their peer said. */
        for (char *p = ret->detail; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        *p = '?';
}

static void decrefp(json_t **j) {
        json_decref(*j);
}

static const char *text_member(const json_t *object, const char *name) {
        const json_t *member = json_object_get(object, name);

        return json_is_string(member) ? json_string_value(member) : NULL;
}

/* A boolean, in any spelling */
static bool is_true(const json_t *object, const char *name) {
        const char *text = text_member(object, name);

        return json_is_true(json_object_get(object, name)) || (text && strcasecmp(text, "true") == 0);
}

/* An error code is shown, so it holds nothing but letters and digits. */
static bool code_valid(const char *code) {
        size_t size = strlen(code);

        return size > 0 && size <= FETCH_CODE_MAX && strspn(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == size;
}

static const Meaning *find_meaning(const char *code, long status) {
        for (size_t i = 0; code && i < ARRAY_SIZE(meanings); i++)
                if (strcmp(meanings[i].code, code) == 0)
                        return &meanings[i];
        for (size_t i = 0; i < ARRAY_SIZE(statuses); i++)
                if (status >= statuses[i].first && status <= statuses[i].last)
                        return &statuses[i].meaning;

        return NULL;
}

static void read_error(const FetchAsk *asked, long status, const json_t *answer, FetchAnswer *ret) {
        static const Meaning strange = {"", FETCH_RETRY, "what it answers is not what a Central Credential Provider answers", HINT_ENDPOINT};
        const char *code = text_member(answer, "ErrorCode");
        const Meaning *m;

        if (code && !code_valid(code))
                code = NULL;
        m = find_meaning(code, status);
        if (!m)
                m = &strange;

        /* Not about the object: it is told for all. */
        if (m->class == FETCH_RETRY_ALL)
                ccp_fail(ret, m->class, m->hint, "CyberArk: %s (%s%sHTTP %ld)", m->what, code ? code : "", code ? ", " : "", status);
        else
                ccp_fail(ret, m->class, m->hint, "CyberArk, asked for %.*s in safe %.*s: %s (%s%sHTTP %ld)", NAME_SHOWN, asked->object, NAME_SHOWN,
                         asked->safe, m->what, code ? code : "", code ? ", " : "", status);
        snprintf(ret->code, sizeof(ret->code), "%s", code ? code : "");
}

static bool names_other(const json_t *answer, const char *member, const char *asked) {
        const char *name = text_member(answer, member);

        return name && strcasecmp(name, asked) != 0;
}

static int read_value(const FetchAsk *asked, const json_t *answer, FetchAnswer *ret) {
        const json_t *content = json_object_get(answer, "Content");

        if (names_other(answer, "Name", asked->object) || names_other(answer, "Safe", asked->safe)) {
                ccp_fail(ret, FETCH_ALERT, "have the vault looked at, and what stands between: it is not used",
                         "CyberArk, asked for %.*s in safe %.*s, answered with another object", NAME_SHOWN, asked->object, NAME_SHOWN, asked->safe);
                return 0;
        }
        if (json_string_length(content) == 0) {
                ccp_fail(ret, FETCH_CONFIGURATION, "store the keystore's password, or the keystore, in this object",
                         "CyberArk, asked for %.*s in safe %.*s: the object is empty", NAME_SHOWN, asked->object, NAME_SHOWN, asked->safe);
                return 0;
        }
        if (json_string_length(content) > FETCH_CONTENT_MAX) {
                ccp_fail(ret, FETCH_CONFIGURATION, "a password or a keystore of 120 KiB at most is taken",
                         "CyberArk, asked for %.*s in safe %.*s: the value has %zu bytes", NAME_SHOWN, asked->object, NAME_SHOWN, asked->safe,
                         json_string_length(content));
                return 0;
        }

        ret->is_changing = is_true(answer, "PasswordChangeInProcess");
        return secret_new_from(json_string_value(content), json_string_length(content), &ret->content);
}

int ccp_read(const FetchAsk *asked, long status, const Secret *body, FetchAnswer *ret) {
        _cleanup_(decrefp) json_t *answer = NULL;
        json_error_t error;

        *ret = (FetchAnswer) {};
        answer = json_loadb((const char *) secret_data(body), secret_size(body), JSON_REJECT_DUPLICATES, &error);
        if (status == 200 && json_is_string(json_object_get(answer, "Content")))
                return read_value(asked, answer, ret);

        read_error(asked, status, answer, ret);
        return 0;
}
