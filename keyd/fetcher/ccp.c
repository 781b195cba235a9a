/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/ccp.h"

#include <string.h>
#include <strings.h>

#include "keyd/crypto/cyberark.h"
#include "keyd/fetcher/answer.h"

#define HINT_ENDPOINT "see Endpoint= in [CyberArk]: https://HOST/AIMWebService/api/Accounts"

/* Where no known code tells more */
/* clang-format off */
static const StatusMeaning statuses[] = {
        {300, 399, FETCH_CONFIGURATION, "it sends elsewhere, which is not followed", HINT_ENDPOINT},
        {401, 401, FETCH_ALERT,         "the client certificate is not accepted", CYBERARK_HINT_IDENTITY},
        {403, 403, FETCH_ALERT,         "access is refused", CYBERARK_HINT_IDENTITY},
        {404, 404, FETCH_CONFIGURATION, "there is no Central Credential Provider at this address", HINT_ENDPOINT},
        {408, 408, FETCH_RETRY_ALL,     "it was too slow for itself", HINT_LATER},
        {429, 429, FETCH_RETRY_ALL,     "it is asked too often", HINT_LATER},
        {400, 499, FETCH_CONFIGURATION, "it does not take the query", CYBERARK_HINT_QUERY},
        {500, 501, FETCH_RETRY,         "it failed inside", HINT_LATER},
        {502, 504, FETCH_RETRY_ALL,     "it is not available", HINT_LATER},
        {505, 599, FETCH_RETRY,         "it failed inside", HINT_LATER},
};
/* clang-format on */

/* A boolean, in any spelling */
static bool is_true(const json_t *object, const char *name) {
        const char *text = json_text(object, name);

        return json_is_true(json_object_get(object, name)) || (text && strcasecmp(text, "true") == 0);
}

static void read_error(const FetchAsk *asked, long status, const json_t *answer, FetchAnswer *ret) {
        CyberArkMeaning m = {"", FETCH_RETRY, "what it answers is not what a Central Credential Provider answers", HINT_ENDPOINT};
        const StatusMeaning *by_status = answer_find_status(statuses, ARRAY_SIZE(statuses), status);
        const char *code = json_text(answer, "ErrorCode");
        const CyberArkMeaning *by_code;

        if (code && !cyberark_code_valid(code))
                code = NULL;
        by_code = cyberark_find(code);
        if (by_code)
                m = *by_code;
        else if (by_status)
                m = (CyberArkMeaning) {"", by_status->class, by_status->what, by_status->hint};

        /* Not about the object: it is told for all. */
        if (m.class == FETCH_RETRY_ALL)
                fetch_fail(ret, m.class, m.hint, "CyberArk: %s (%s%sHTTP %ld)", m.what, code ? code : "", code ? ", " : "", status);
        else
                fetch_fail(ret, m.class, m.hint, "CyberArk, asked for %.*s in safe %.*s: %s (%s%sHTTP %ld)", FETCH_NAME_SHOWN, asked->object,
                           FETCH_NAME_SHOWN, asked->container, m.what, code ? code : "", code ? ", " : "", status);
        snprintf(ret->code, sizeof(ret->code), "%s", code ? code : "");
}

static bool names_other(const json_t *answer, const char *member, const char *asked) {
        const char *name = json_text(answer, member);

        return name && strcasecmp(name, asked) != 0;
}

static int read_value(const FetchAsk *asked, const json_t *answer, FetchAnswer *ret) {
        const json_t *content = json_object_get(answer, "Content");
        char what[FETCH_TEXT_MAX];

        snprintf(what, sizeof(what), "CyberArk, asked for %.*s in safe %.*s", FETCH_NAME_SHOWN, asked->object, FETCH_NAME_SHOWN, asked->container);
        if (names_other(answer, "Name", asked->object) || names_other(answer, "Safe", asked->container)) {
                fetch_fail(ret, FETCH_ALERT, HINT_BETWEEN, "%s, answered with another object", what);
                return 0;
        }

        ret->is_changing = is_true(answer, "PasswordChangeInProcess");
        return fetch_set_value(ret, what, json_string_value(content), json_string_length(content));
}

int ccp_read(const FetchAsk *asked, long status, const Secret *body, FetchAnswer *ret) {
        _cleanup_(json_decrefp) json_t *answer = NULL;

        *ret = (FetchAnswer) {};
        answer = answer_parse(body);
        if (status == 200 && json_is_string(json_object_get(answer, "Content")))
                return read_value(asked, answer, ret);

        read_error(asked, status, answer, ret);
        return 0;
}

/* a request */

static int put_parameter(Session *s, Buf *url, const char *name, const char *value) {
        int r;

        if (!*value)
                return 0;
        r = buf_printf(url, "%s%s=", strcmp(name, "AppID") == 0 ? "?" : "&", name);
        return r < 0 ? r : session_put_escaped(s, url, value, false);
}

static int make_url(Session *s, const FetchAsk *ask, Buf *url) {
        const struct {
                const char *name, *value;
        } parameters[] = {
                {"AppID", s->open.identity}, {"Safe", ask->container}, {"Folder", ask->folder}, {"Object", ask->object}, {"PolicyID", ask->part},
        };
        int r;

        r = buf_printf(url, "%s", s->open.endpoint);
        for (size_t i = 0; i < ARRAY_SIZE(parameters) && r >= 0; i++)
                r = put_parameter(s, url, parameters[i].name, parameters[i].value);

        return r < 0 ? r : buf_append(url, "", 1);
}

int ccp_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        int r;

        r = make_url(s, ask, &url);
        if (r >= 0)
                r = session_send(s, &(SessionRequest) {.url = (const char *) url.data, .deadline_usec = deadline_usec}, &reply, ret);
        if (r != 0)
                return MIN_OF(r, 0);

        r = ccp_read(ask, reply.status, reply.body, ret);
        ret->retry_after_sec = reply.retry_after_sec;
        return r;
}
