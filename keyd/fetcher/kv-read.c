/* SPDX-License-Identifier: Apache-2.0 */

#include <string.h>

#include "keyd/fetcher/answer.h"
#include "keyd/fetcher/kv.h"

#define TOKEN_MAX FETCH_CREDENTIAL_MAX

#define HINT_ADDRESS "see Address= in [Vault]: https://HOST:8200"
#define HINT_POLICY "see whether the token of [Vault] is still good, and whether its policies allow to read this path"
#define HINT_PATH "write PATH, or PATH#FIELD; the path begins behind the engine's mount (Mount= in [Vault], KVVersion= says how it is read)"
#define HINT_LOGIN "see Login=, Role=, SecretID=, CertFile= and LoginPath= in [Vault], and the role in the vault"

/* clang-format off */
static const StatusMeaning value_statuses[] = {
        {307, 307, FETCH_RETRY_ALL,     "this node is a standby that sends elsewhere, which is not followed", "name the active node, or what finds it, by Address= in [Vault]"},
        {300, 399, FETCH_CONFIGURATION, "it sends elsewhere, which is not followed", HINT_ADDRESS},
        {400, 400, FETCH_CONFIGURATION, "it does not take the query", HINT_PATH},
        {403, 403, FETCH_ALERT,         "permission is denied", HINT_POLICY},
        {404, 404, FETCH_CONFIGURATION, "there is no such secret", HINT_PATH},
        {405, 405, FETCH_CONFIGURATION, "this path cannot be read", HINT_PATH},
        {408, 408, FETCH_RETRY_ALL,     "it was too slow for itself", HINT_LATER},
        {412, 412, FETCH_RETRY,         "this node does not know the token yet", HINT_LATER},
        {429, 429, FETCH_RETRY_ALL,     "it is asked too often, or this node is a standby", HINT_LATER},
        {472, 473, FETCH_RETRY_ALL,     "this node is a standby that answers nothing", HINT_LATER},
        {400, 499, FETCH_CONFIGURATION, "it does not take the query", HINT_PATH},
        {500, 500, FETCH_RETRY,         "it failed inside", HINT_LATER},
        {502, 502, FETCH_RETRY_ALL,     "what it depends on failed", HINT_LATER},
        {503, 503, FETCH_RETRY_ALL,     "it is sealed, or in maintenance", "unseal it; it is tried again by itself, at growing intervals"},
        {504, 504, FETCH_RETRY_ALL,     "it is not available", HINT_LATER},
        {501, 599, FETCH_RETRY,         "it failed inside", HINT_LATER},
};

/* Those of a login that mean something else */
static const StatusMeaning login_statuses[] = {
        {400, 401, FETCH_ALERT,         "the login is refused", HINT_LOGIN},
        {403, 403, FETCH_ALERT,         "the login is refused", HINT_LOGIN},
        {404, 404, FETCH_CONFIGURATION, "there is no such login method", HINT_LOGIN},
};
/* clang-format on */

static const StatusMeaning strange = {0, 0, FETCH_RETRY, "what it answers is not what a Vault answers", HINT_ADDRESS};

static void describe(const FetchAsk *asked, char ret[static FETCH_TEXT_MAX]) {
        snprintf(ret, FETCH_TEXT_MAX, "Vault, asked for %.*s in %.*s", FETCH_NAME_SHOWN, asked->object, FETCH_NAME_SHOWN, asked->container);
}

static const StatusMeaning *find_status(long status) {
        const StatusMeaning *m = answer_find_status(value_statuses, ARRAY_SIZE(value_statuses), status);

        return m ? m : &strange;
}

/* KV version 2 says 404 of what was deleted, with what it was. */
static bool is_deleted(const json_t *answer) {
        const json_t *metadata = json_object_get(json_object_get(answer, "data"), "metadata");
        const char *time = json_text(metadata, "deletion_time");

        return json_is_true(json_object_get(metadata, "destroyed")) || (time && *time);
}

static void fail_value(const char *what, long status, const json_t *answer, FetchAnswer *ret) {
        const StatusMeaning *m = find_status(status);

        if (status == 404 && is_deleted(answer)) {
                fetch_fail(ret, FETCH_CONFIGURATION, "undelete it there, or store it anew", "%s: the secret was deleted (HTTP 404)", what);
                return;
        }
        /* Not about the secret: it is told for all. */
        if (m->class == FETCH_RETRY_ALL)
                fetch_fail(ret, m->class, m->hint, "Vault: %s (HTTP %ld)", m->what, status);
        else
                fetch_fail(ret, m->class, m->hint, "%s: %s (HTTP %ld)", what, m->what, status);
}

int kv_read_value(const FetchAsk *asked, bool is_versioned, long status, const Secret *body, FetchAnswer *ret) {
        _cleanup_(json_decrefp) json_t *answer = answer_parse(body);
        const json_t *data = json_object_get(answer, "data"), *value;
        char what[FETCH_TEXT_MAX];

        *ret = (FetchAnswer) {};
        describe(asked, what);
        /* Version 2 answers have the fields a level deeper, with what it knows of them beside. */
        if (is_versioned && !json_is_object(json_object_get(data, "metadata")))
                data = NULL;
        else if (is_versioned)
                data = json_object_get(data, "data");
        if (status != 200 || !json_is_object(data)) {
                fail_value(what, status, answer, ret);
                return 0;
        }

        value = json_object_get(data, asked->part);
        if (!json_is_string(value)) {
                fetch_fail(ret, FETCH_CONFIGURATION, HINT_PATH, "%s: the secret has no text field %.*s", what, FETCH_NAME_SHOWN, asked->part);
                return 0;
        }

        return fetch_set_value(ret, what, json_string_value(value), json_string_length(value));
}

/* A token becomes a header: it is what RFC 9110, 5.5, takes in one, without blanks. */
static bool token_valid(const char *token) {
        size_t size = strlen(token);

        for (const char *p = token; *p; p++)
                if ((unsigned char) *p <= 0x20 || (unsigned char) *p >= 0x7f)
                        return false;

        return size > 0 && size <= TOKEN_MAX;
}

int kv_read_login(long status, const Secret *body, Secret **ret_token, FetchAnswer *ret) {
        _cleanup_(json_decrefp) json_t *answer = answer_parse(body);
        const char *token = json_text(json_object_get(answer, "auth"), "client_token");
        const StatusMeaning *m;

        *ret = (FetchAnswer) {};
        *ret_token = NULL;
        if (status == 200 && token && token_valid(token))
                return secret_new_from(token, strlen(token), ret_token);

        m = answer_find_status(login_statuses, ARRAY_SIZE(login_statuses), status);
        if (!m)
                m = find_status(status);
        fetch_fail(ret, m->class, m->hint, "Vault, at the login: %s (HTTP %ld)", m->what, status);
        /* Without a login there is nothing to be had for anybody. */
        if (m->class == FETCH_RETRY)
                ret->class = FETCH_RETRY_ALL;
        return 0;
}

bool kv_read_age(long status, const Secret *body) {
        _cleanup_(json_decrefp) json_t *answer = status == 200 ? answer_parse(body) : NULL;
        const json_t *data = json_object_get(answer, "data");
        json_int_t ttl = json_integer_value(json_object_get(data, "ttl"));
        json_int_t whole = json_integer_value(json_object_get(data, "creation_ttl"));

        return json_is_true(json_object_get(data, "renewable")) && ttl > 0 && ttl < whole / 2;
}
