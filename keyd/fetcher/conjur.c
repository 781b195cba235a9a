/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/conjur.h"

#include <openssl/evp.h>
#include <string.h>

#include "keyd/fetcher/answer.h"

#define TOKEN_MAX 16384U

#define HINT_ADDRESS "see Address= in [Conjur]: https://HOST"
#define HINT_LOGIN "see Account=, Login= and APIKey= in [Conjur]; an API key that was rotated has to be entered anew"
#define HINT_VARIABLE "Password= is the variable's ID, without account and kind; it needs a value"

/* clang-format off */
static const StatusMeaning value_statuses[] = {
        {300, 399, FETCH_CONFIGURATION, "it sends elsewhere, which is not followed", HINT_ADDRESS},
        {401, 401, FETCH_ALERT,         "the login is not accepted", HINT_LOGIN},
        {403, 403, FETCH_ALERT,         "permission is denied", "the login needs the privilege execute on the variable"},
        {404, 404, FETCH_CONFIGURATION, "there is no such variable, it has no value, or this login may not see it", HINT_VARIABLE},
        {408, 408, FETCH_RETRY_ALL,     "it was too slow for itself", HINT_LATER},
        {422, 422, FETCH_CONFIGURATION, "it does not take the query", HINT_VARIABLE},
        {429, 429, FETCH_RETRY_ALL,     "it is asked too often", HINT_LATER},
        {400, 499, FETCH_CONFIGURATION, "it does not take the query", HINT_VARIABLE},
        {500, 501, FETCH_RETRY,         "it failed inside", HINT_LATER},
        {502, 504, FETCH_RETRY_ALL,     "it is not available", HINT_LATER},
        {505, 599, FETCH_RETRY,         "it failed inside", HINT_LATER},
};
/* clang-format on */

static const StatusMeaning strange = {0, 0, FETCH_RETRY, "what it answers is not what Conjur answers", HINT_ADDRESS};

static const StatusMeaning *find_status(long status) {
        const StatusMeaning *m = answer_find_status(value_statuses, ARRAY_SIZE(value_statuses), status);

        return m ? m : &strange;
}

int conjur_read_value(const FetchAsk *asked, const SessionReply *reply, FetchAnswer *ret) {
        const StatusMeaning *m = find_status(reply->status);
        char what[FETCH_TEXT_MAX];

        *ret = (FetchAnswer) {};
        snprintf(what, sizeof(what), "Conjur, asked for %.*s", FETCH_NAME_SHOWN, asked->object);
        if (reply->status == 200 && !reply->is_html)
                return fetch_set_value(ret, what, secret_data(reply->body), secret_size(reply->body));

        /* Not about the variable: it is told for all. */
        if (m->class == FETCH_RETRY_ALL)
                fetch_fail(ret, m->class, m->hint, "Conjur: %s (HTTP %ld)", m->what, reply->status);
        else
                fetch_fail(ret, m->class, m->hint, "%s: %s (HTTP %ld)", what, m->what, reply->status);
        return 0;
}

/* It is JSON, of which nothing matters here: what signs it is Conjur's. */
static int encode_token(const Secret *json, Secret **ret) {
        size_t size = secret_size(json);
        int r;

        r = secret_new((size + 2) / 3 * 4 + 1, ret);
        if (r < 0)
                return r;
        secret_set_size(*ret, (size_t) EVP_EncodeBlock(secret_writable(*ret), secret_data(json), (int) size));
        return 0;
}

int conjur_read_login(const SessionReply *reply, Secret **ret_token, FetchAnswer *ret) {
        _cleanup_(json_decrefp) json_t *token = answer_parse(reply->body);
        const StatusMeaning *m = find_status(reply->status);

        *ret = (FetchAnswer) {};
        *ret_token = NULL;
        if (reply->status == 200 && json_is_object(token) && secret_size(reply->body) <= TOKEN_MAX)
                return encode_token(reply->body, ret_token);

        /* Without a login there is nothing to be had for anybody. */
        fetch_fail(ret, m->class == FETCH_RETRY ? FETCH_RETRY_ALL : m->class, m->class == FETCH_CONFIGURATION ? HINT_LOGIN : m->hint,
                   "Conjur, at the login: %s (HTTP %ld)", m->class == FETCH_CONFIGURATION ? "the account or the login is not known" : m->what,
                   reply->status);
        return 0;
}

/* Return: 0 with s->token; 1 with *ret filled; -errno */
static int log_in(Session *s, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        int r;

        s->token = secret_free(s->token);
        s->token_is_old = false;
        if (s->is_refused) {
                *ret = s->refusal;
                return 1;
        }
        r = buf_printf(&url, "%s/authn/", s->open.endpoint);
        if (r >= 0)
                r = session_put_escaped(s, &url, s->open.scope, false);
        if (r >= 0)
                r = buf_printf(&url, "/");
        if (r >= 0)
                r = session_put_escaped(s, &url, s->open.identity, false);
        if (r >= 0)
                r = buf_append(&url, "/authenticate", sizeof("/authenticate"));
        if (r >= 0)
                r = session_send(s, &(SessionRequest) {.url = (const char *) url.data, .body = s->open.credential, .deadline_usec = deadline_usec},
                                 &reply, ret);
        if (r != 0)
                return r;

        r = conjur_read_login(&reply, &s->token, ret);
        if (r < 0 || s->token)
                return r;
        session_refuse(s, &reply, ret);
        return 1;
}

static void free_headersp(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

static int make_headers(const Session *s, struct curl_slist **ret) {
        static const char before[] = "Token token=\"";
        _cleanup_(secret_freep) Secret *value = NULL;
        size_t n = strlen(before), size = secret_size(s->token);
        int r;

        r = secret_new(n + size + 1, &value);
        if (r < 0)
                return r;
        memcpy(secret_writable(value), before, n);
        memcpy(secret_writable(value) + n, secret_data(s->token), size);
        secret_writable(value)[n + size] = '"';
        secret_set_size(value, n + size + 1);

        r = session_add_header(ret, "Authorization", secret_data(value), secret_size(value));
        return r < 0 ? r : session_add_header(ret, "Accept", "*/*", strlen("*/*"));
}

static int ask_once(Session *s, const FetchAsk *ask, uint64_t deadline_usec, SessionReply *reply, FetchAnswer *ret) {
        _cleanup_(free_headersp) struct curl_slist *headers = NULL;
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        int r = 0;

        if (!s->token)
                r = log_in(s, deadline_usec, ret);
        if (r == 0)
                r = make_headers(s, &headers);
        if (r == 0)
                r = buf_printf(&url, "%s/secrets/", s->open.endpoint);
        if (r == 0)
                r = session_put_escaped(s, &url, s->open.scope, false);
        if (r == 0)
                r = buf_printf(&url, "/variable/");
        if (r == 0)
                r = session_put_escaped(s, &url, ask->object, false);
        if (r == 0)
                r = buf_append(&url, "", 1);
        if (r != 0)
                return r;

        return session_send(s, &(SessionRequest) {.url = (const char *) url.data, .headers = headers, .deadline_usec = deadline_usec}, reply, ret);
}

int conjur_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        int r;

        r = ask_once(s, ask, deadline_usec, &reply, ret);
        /* A token lives for some minutes. */
        if (r == 0 && reply.status == 401 && s->token_is_old) {
                session_reply_done(&reply);
                s->token = secret_free(s->token);
                r = ask_once(s, ask, deadline_usec, &reply, ret);
        }
        if (r != 0)
                return MIN_OF(r, 0);

        s->token_is_old = true;
        r = conjur_read_value(ask, &reply, ret);
        ret->retry_after_sec = reply.retry_after_sec;
        return r;
}
