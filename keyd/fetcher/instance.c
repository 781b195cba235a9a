/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/fetcher/instance.h"

#include <openssl/evp.h>
#include <string.h>

#include "keyd/fetcher/answer.h"

#define RECORDS_MAX 500
#define HINT_ADDRESS "see Address= in [Instance]: https://NAME.service-now.com"
#define HINT_LOGIN "see User=, Password= and CertFile= in [Instance], and the roles of that user"
#define HINT_TABLE "see Table= and Columns= in [Instance]; the user needs to read them"

/* clang-format off */
static const StatusMeaning statuses[] = {
        {300, 399, FETCH_CONFIGURATION, "it sends elsewhere, which is not followed", HINT_ADDRESS},
        {401, 401, FETCH_ALERT,         "the user is not accepted", HINT_LOGIN},
        {403, 403, FETCH_ALERT,         "access is refused", HINT_LOGIN},
        {400, 400, FETCH_CONFIGURATION, "there is no such table", HINT_TABLE},
        {404, 404, FETCH_CONFIGURATION, "there is no such table", HINT_TABLE},
        {408, 408, FETCH_RETRY_ALL,     "it was too slow for itself", HINT_LATER},
        {429, 429, FETCH_RETRY_ALL,     "it is asked too often", HINT_LATER},
        {400, 499, FETCH_CONFIGURATION, "it does not take the query", HINT_TABLE},
        {500, 501, FETCH_RETRY,         "it failed inside", HINT_LATER},
        {502, 504, FETCH_RETRY_ALL,     "it is not available", HINT_LATER},
        {505, 599, FETCH_RETRY,         "it failed inside", HINT_LATER},
};
/* clang-format on */

static const StatusMeaning strange = {0, 0, FETCH_RETRY, "what it answers is not what the Table API answers", HINT_ADDRESS};

/* Columns=, in this order */
typedef enum Column {
        COLUMN_PROTOCOL,
        COLUMN_PATH,
        COLUMN_APPLIES_TO,
        COLUMN_MID_SERVERS,
        COLUMN_PORT,
        COLUMN_STORE,
        COLUMN_PASSWORD,
        _COLUMN_MAX,
} Column;

/* The value of a column, "" when it is not there; @display: as people see it, which for a reference is its name */
static const char *column_text(const json_t *record, const char *column, bool display) {
        const json_t *cell = json_object_get(record, column);
        const char *text = json_is_string(cell) ? json_string_value(cell) : json_text(cell, display ? "display_value" : "value");

        return text ? text : "";
}

/* One line of an INI file: nothing that would begin another. */
static bool line_valid(const char *text) {
        size_t size = strlen(text);

        for (const char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        return false;

        return size == 0 || text[size - 1] != '\\';
}

static bool name_valid(const char *name) {
        size_t size = strlen(name);

        return size > 0 && size < 32 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789") == size;
}

/* Why a record is not taken; NULL: it is. Static */
static const char *find_fault(const char *const texts[static _COLUMN_MAX], bool in_store) {
        for (size_t i = 0; i < _COLUMN_MAX; i++)
                if (!line_valid(texts[i]))
                        return "a column holds what cannot be in a line";
        if (!in_store && *texts[COLUMN_PASSWORD] && strncmp(texts[COLUMN_PASSWORD], "midtls:", strlen("midtls:")) != 0)
                return "its password stands in clear in the instance: put there what midtls encrypt prints";

        return NULL;
}

static const char *store_name(const char *text) {
        static const char *const names[] = {"cyberark", "vault", "conjur"};

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (strcasecmp(text, names[i]) == 0)
                        return names[i];

        return strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0 ? names[0] : NULL;
}

static int append_servers(Buf *to, const char *list) {
        _cleanup_free_ char *names = strdup(list);

        if (!names)
                return -ENOMEM;
        for (char *p = names; *p; p++)
                if (*p == ',')
                        *p = ' ';

        return buf_printf(to, "AppliesTo=specific\nMidServers=%s\n", names);
}

static int add_record(const json_t *record, char *const columns[static _COLUMN_MAX], Buf *to) {
        const char *texts[_COLUMN_MAX], *store, *fault;
        int r;

        for (size_t i = 0; i < _COLUMN_MAX; i++)
                texts[i] = column_text(record, columns[i], i == COLUMN_MID_SERVERS);
        store = store_name(texts[COLUMN_STORE]);
        if (!name_valid(texts[COLUMN_PROTOCOL]))
                return buf_printf(to, "! a record has no protocol's name of lower-case letters and digits\n");
        fault = find_fault(texts, store);
        if (fault)
                return buf_printf(to, "!%s %s\n", texts[COLUMN_PROTOCOL], fault);

        r = buf_printf(to, "=%s\n", texts[COLUMN_PROTOCOL]);
        if (r >= 0 && *texts[COLUMN_PATH])
                r = buf_printf(to, "KeystorePath=%s\n", texts[COLUMN_PATH]);
        if (r >= 0 && store)
                r = buf_printf(to, "ExternalCredentialStore=%s\n", store);
        if (r >= 0 && *texts[COLUMN_PASSWORD])
                r = buf_printf(to, "Password=%s\n", texts[COLUMN_PASSWORD]);
        if (r >= 0 && *texts[COLUMN_PORT])
                r = buf_printf(to, "DefaultPort=%s\n", texts[COLUMN_PORT]);
        if (r >= 0 && *texts[COLUMN_APPLIES_TO] && strncasecmp(texts[COLUMN_APPLIES_TO], "all", 3) != 0)
                r = append_servers(to, texts[COLUMN_MID_SERVERS]);

        return r;
}

static int read_records(const json_t *records, char *const columns[static _COLUMN_MAX], FetchAnswer *ret) {
        _cleanup_(buf_done) Buf text = BUF_INIT(FETCH_CONTENT_MAX);
        int r = 0;

        for (size_t i = 0; i < json_array_size(records) && r >= 0; i++)
                r = add_record(json_array_get(records, i), columns, &text);
        if (r == -EMSGSIZE || json_array_size(records) > RECORDS_MAX) {
                fetch_fail(ret, FETCH_CONFIGURATION, HINT_TABLE, "the instance has more than %d profiles, or more than 160 KiB of them", RECORDS_MAX);
                return 0;
        }

        return r < 0 ? r : secret_new_from(text.data, text.size, &ret->content);
}

/* Words that blanks part. Return: false when there are not as many as columns; they point into @text. */
static bool split_columns(char *text, char *ret[static _COLUMN_MAX]) {
        char *rest = NULL, *word = strtok_r(text, " \t", &rest);
        size_t n = 0;

        for (; word && n < _COLUMN_MAX; word = strtok_r(NULL, " \t", &rest))
                ret[n++] = word;

        return n == _COLUMN_MAX && !word;
}

int instance_read(const FetchAsk *asked, const SessionReply *reply, FetchAnswer *ret) {
        _cleanup_(json_decrefp) json_t *answer = answer_parse(reply->body);
        const json_t *records = json_object_get(answer, "result");
        const StatusMeaning *m = answer_find_status(statuses, ARRAY_SIZE(statuses), reply->status);
        _cleanup_free_ char *text = strdup(asked->part);
        char *columns[_COLUMN_MAX];

        *ret = (FetchAnswer) {};
        if (!text)
                return -ENOMEM;
        if (!split_columns(text, columns)) {
                fetch_fail(ret, FETCH_CONFIGURATION, "see Columns= in midtls.conf(5)", "Columns= in [Instance] does not name %d columns",
                           _COLUMN_MAX);
                return 0;
        }
        if (reply->status == 200 && json_is_array(records))
                return read_records(records, columns, ret);

        m = m ? m : &strange;
        fetch_fail(ret, m->class, m->hint, "the instance, asked for table %.*s: %s (HTTP %ld)", FETCH_NAME_SHOWN, asked->object, m->what,
                   reply->status);
        return 0;
}

/* a request */

/* RFC 7617, 2 */
static int add_authorization(const Session *s, struct curl_slist **list) {
        _cleanup_(secret_freep) Secret *pair = NULL, *value = NULL;
        size_t n = strlen(s->open.identity), size = n + 1 + secret_size(s->open.credential);
        int r;

        if (n == 0)
                return 0;
        r = secret_new(size, &pair);
        if (r >= 0)
                r = secret_new((size + 2) / 3 * 4 + sizeof("Basic "), &value);
        if (r < 0)
                return r;

        memcpy(secret_writable(pair), s->open.identity, n);
        secret_writable(pair)[n] = ':';
        memcpy(secret_writable(pair) + n + 1, secret_data(s->open.credential), size - n - 1);
        memcpy(secret_writable(value), "Basic ", 6);
        secret_set_size(value, 6 + (size_t) EVP_EncodeBlock(secret_writable(value) + 6, secret_data(pair), (int) size));

        return session_add_header(list, "Authorization", secret_data(value), secret_size(value));
}

static void free_headersp(struct curl_slist **list) {
        curl_slist_free_all(*list);
}

static int put_columns(Session *s, Buf *url, const char *columns) {
        _cleanup_free_ char *text = strdup(columns);

        if (!text)
                return -ENOMEM;
        for (char *p = text; *p; p++)
                if (*p == ' ' || *p == '\t')
                        *p = ',';

        return session_put_escaped(s, url, text, false);
}

static int make_url(Session *s, const FetchAsk *ask, Buf *url) {
        int r;

        r = buf_printf(url, "%s/api/now/table/", s->open.endpoint);
        if (r >= 0)
                r = session_put_escaped(s, url, ask->object, false);
        if (r >= 0)
                r = buf_printf(url,
                               "?sysparm_display_value=all&sysparm_exclude_reference_link=true&sysparm_limit=%d&sysparm_fields=", RECORDS_MAX + 1);
        if (r >= 0)
                r = put_columns(s, url, ask->part);

        return r < 0 ? r : buf_append(url, "", 1);
}

int instance_ask(Session *s, const FetchAsk *ask, uint64_t deadline_usec, FetchAnswer *ret) {
        _cleanup_(free_headersp) struct curl_slist *headers = NULL;
        _cleanup_(session_reply_done) SessionReply reply = {};
        _cleanup_(buf_done) Buf url = BUF_INIT(SESSION_URL_MAX);
        int r;

        r = make_url(s, ask, &url);
        if (r >= 0)
                r = session_add_header(&headers, "Accept", "application/json", strlen("application/json"));
        if (r >= 0)
                r = add_authorization(s, &headers);
        if (r >= 0)
                r = session_send(s, &(SessionRequest) {.url = (const char *) url.data, .headers = headers, .deadline_usec = deadline_usec}, &reply,
                                 ret);
        if (r != 0)
                return MIN_OF(r, 0);

        r = instance_read(ask, &reply, ret);
        ret->retry_after_sec = reply.retry_after_sec;
        return r;
}
