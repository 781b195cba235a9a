/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/kv.h"

#include <string.h>

#include "common/log.h"
#include "keyd/fetcher/answer.h"

#define END_USEC (400 * USEC_PER_MSEC)

static void free_headersp(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

static int add_text(struct curl_slist **list, const char *name, const char *value) {
        return session_add_header(list, name, value, strlen(value));
}

/* X-Vault-Request tells a Vault Agent in between that this is no request which a browser was made to send. */
static int make_headers(Session *s, bool with_token, struct curl_slist **ret) {
        int r;

        r = add_text(ret, "Accept", "application/json");
        if (r >= 0)
                r = add_text(ret, "X-Vault-Request", "true");
        if (r >= 0 && *s->open.scope)
                r = add_text(ret, "X-Vault-Namespace", s->open.scope);
        if (r >= 0 && with_token && s->token)
                r = session_add_header(ret, "X-Vault-Token", secret_data(s->token), secret_size(s->token));

        return r;
}

/* @body NULL: GET. Return: as session_send() */
static int send_to(Session *s, const Buf *url, const Secret *body, bool with_token, uint64_t deadline_usec, SessionReply *ret,
                   FetchAnswer *ret_failure) {
        _cleanup_(free_headersp) struct curl_slist *headers = NULL;
        int r = make_headers(s, with_token, &headers);

        if (r < 0)
                return r;
        return session_send(s, &(SessionRequest) {.url = (const char *) url->data, .headers = headers, .body = body, .deadline_usec = deadline_usec},
                            ret, ret_failure);
}

static int put_end(Buf *url) {
        return buf_append(url, "", 1);
}

static int make_fixed_url(const Session *s, const char *path, Buf *url) {
        int r = buf_printf(url, "%s/v1/%s", s->open.endpoint, path);

        return r < 0 ? r : put_end(url);
}

/* the token */

static int make_login(const Session *s, Secret **ret) {
        _cleanup_(json_decrefp) json_t *body = NULL;
        const char *credential = (const char *) secret_data(s->open.credential);
        size_t size;
        int r;

        if (s->open.login == FETCH_LOGIN_APPROLE)
                body = json_pack("{s:s, s:s%}", "role_id", s->open.identity, "secret_id", credential, secret_size(s->open.credential));
        else
                body = *s->open.identity ? json_pack("{s:s}", "name", s->open.identity) : json_object();
        if (!body)
                return -ENOMEM;

        size = json_dumpb(body, NULL, 0, JSON_COMPACT);
        r = secret_new(size, ret);
        if (r < 0)
                return r;
        secret_set_size(*ret, json_dumpb(body, (char *) secret_writable(*ret), size, JSON_COMPACT));
        return 0;
}

/* Return: 0 with s->token; 1 with *ret filled; -errno */
static int log_in(Session *s, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        _cleanup_(secret_freep) Secret *body = NULL;
        int r;

        s->token = secret_free(s->token);
        s->token_is_old = false;
        if (s->is_refused) {
                *ret = s->refusal;
                return 1;
        }
        r = make_login(s, &body);
        if (r >= 0)
                r = buf_printf(&url, "%s/v1/auth/", s->open.endpoint);
        if (r >= 0)
                r = session_put_escaped(s, &url, s->open.login_path, true);
        if (r >= 0)
                r = buf_printf(&url, "/login");
        if (r >= 0)
                r = put_end(&url);
        if (r >= 0)
                r = send_to(s, &url, body, false, deadline_usec, &reply, ret);
        if (r != 0)
                return r;

        r = kv_read_login(reply.status, reply.body, &s->token, ret);
        if (r < 0 || s->token)
                return r;
        session_refuse(s, &reply, ret);
        return 1;
}

/* A token may be used until its life is over, and be made to live longer before. What fails here is told by what the token is used for. */
static int renew(Session *s, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply age = {}, renewed = {};
        _cleanup_(buf_done) Buf look_up = BUF_INIT(SESSION_URL_MAX), url = BUF_INIT(SESSION_URL_MAX);
        _cleanup_(secret_freep) Secret *body = NULL;
        int r;

        r = make_fixed_url(s, "auth/token/lookup-self", &look_up);
        if (r >= 0)
                r = make_fixed_url(s, "auth/token/renew-self", &url);
        if (r >= 0)
                r = secret_new_from("{}", 2, &body);
        if (r >= 0)
                r = send_to(s, &look_up, NULL, true, deadline_usec, &age, ret);
        if (r != 0 || !kv_read_age(age.status, age.body))
                return r;

        r = send_to(s, &url, body, true, deadline_usec, &renewed, ret);
        if (r == 0)
                log_message(renewed.status == 200 ? PRIORITY_INFO : PRIORITY_WARNING, "Vault: the token %s (HTTP %ld)",
                            renewed.status == 200 ? "was renewed" : "could not be renewed", renewed.status);
        return r;
}

static int get_token(Session *s, uint64_t deadline_usec, FetchAnswer *ret) {
        int r;

        if (s->token)
                return 0;
        if (s->open.login != FETCH_LOGIN_TOKEN)
                return log_in(s, deadline_usec, ret);

        r = secret_new_from(secret_data(s->open.credential), secret_size(s->open.credential), &s->token);
        return r < 0 ? r : renew(s, deadline_usec, ret);
}

/* the value */

static int make_url(Session *s, const FetchAsk *ask, Buf *url) {
        int r;

        r = buf_printf(url, "%s/v1/", s->open.endpoint);
        if (r >= 0)
                r = session_put_escaped(s, url, ask->container, true);
        if (r >= 0)
                r = buf_printf(url, "/%s", s->open.is_versioned ? "data/" : "");
        if (r >= 0)
                r = session_put_escaped(s, url, ask->object, true);

        return r < 0 ? r : put_end(url);
}

static int ask_once(Session *s, const FetchAsk *ask, uint64_t deadline_usec, SessionReply *reply, FetchAnswer *ret) {
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        int r;

        r = get_token(s, deadline_usec, ret);
        if (r == 0)
                r = make_url(s, ask, &url);
        if (r == 0)
                r = send_to(s, &url, NULL, true, deadline_usec, reply, ret);

        return r;
}

int kv_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        int r;

        r = ask_once(s, ask, deadline_usec, &reply, ret);
        /* What a login gave may have ended meanwhile. */
        if (r == 0 && reply.status == 403 && s->token_is_old && s->open.login != FETCH_LOGIN_TOKEN) {
                session_reply_done(&reply);
                r = log_in(s, deadline_usec, ret);
                if (r == 0)
                        r = ask_once(s, ask, deadline_usec, &reply, ret);
        }
        if (r != 0)
                return MIN_OF(r, 0);

        s->token_is_old = true;
        r = kv_read_value(ask, s->open.is_versioned, reply.status, reply.body, ret);
        ret->retry_after_sec = reply.retry_after_sec;
        return r;
}

void kv_end(Session *s) {
        _cleanup_(session_reply_done) SessionReply reply = {};
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        _cleanup_(secret_freep) Secret *body = NULL;
        FetchAnswer failure;

        if (!s->token || s->open.login == FETCH_LOGIN_TOKEN)
                return;
        if (make_fixed_url(s, "auth/token/revoke-self", &url) < 0 || secret_new_from("{}", 2, &body) < 0)
                return;
        ignore_result(send_to(s, &url, body, true, deadline_after(END_USEC), &reply, &failure), "then it ends when its time is over");
}
