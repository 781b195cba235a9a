# SPDX-License-Identifier: Apache-2.0
"""What is not taken of a secret store, a program or an instance: (class, text, replacement, tests that must notice, more edits)"""

ROWS = {
    "keyd/fetcher/ccp.c": [
        ("alert", 'names_other(answer, "Name", asked->object) || ', "", "fetcher-ccp"),
        ("alert", ' || names_other(answer, "Safe", asked->container)', "", "fetcher-ccp"),
        ("retry", "status == 200 && json_is_string", "json_is_string", "fetcher-ccp"),
        ("configuration", "if (code && !cyberark_code_valid(code))", "if (0)", "fetcher-ccp"),
    ],
    "keyd/fetcher/answer.c": [
        ("retry", "JSON_REJECT_DUPLICATES", "0", "fetcher-ccp"),
    ],
    "keyd/crypto/fetch-answer.c": [
        ("configuration", "if (size == 0) {", "if (0) {", "fetcher-ccp fetcher-kv fetcher-conjur"),
        ("configuration", "if (size > FETCH_CONTENT_MAX) {", "if (0) {", "fetcher-ccp"),
    ],
    "keyd/crypto/fetch.c": [
        ("violation", "(unsigned) o.store < ROLE_STORES && ", "", "fetcher-fetch"),
        ("violation", " && (unsigned) o.login < _FETCH_LOGIN_MAX", "", "fetcher-fetch"),
        ("violation", "(texts[4].size == 0) == (key.size == 0) && ", "", "fetcher-fetch"),
    ],
    "keyd/fetcher/kv-read.c": [
        ("retry", "is_versioned && !json_is_object(json_object_get(data, \"metadata\"))", "0", "fetcher-kv"),
        ("retry", "if (status != 200 || !json_is_object(data)) {", "if (!json_is_object(data)) {", "fetcher-kv"),
        ("configuration", "if (!json_is_string(value)) {", "if (!value) {", "fetcher-kv"),
        ("retry", "if (status == 200 && token && token_valid(token))", "if (status == 200 && token)", "fetcher-kv"),
        ("alert", "if (status == 200 && token && token_valid(token))", "if (token && token_valid(token))", "fetcher-kv"),
    ],
    "keyd/fetcher/conjur.c": [
        ("retry", "reply->status == 200 && !reply->is_html", "reply->status == 200", "fetcher-conjur"),
        ("retry", "reply->status == 200 && !reply->is_html", "!reply->is_html", "fetcher-conjur"),
        ("retry", "json_is_object(token) && secret_size(reply->body) <= TOKEN_MAX", "secret_size(reply->body) <= TOKEN_MAX", "fetcher-conjur"),
        ("retry", "json_is_object(token) && secret_size(reply->body) <= TOKEN_MAX", "json_is_object(token)", "fetcher-conjur"),
    ],
    "keyd/fetcher/instance.c": [
        ("line", "if ((unsigned char) *p < 0x20 || *p == 0x7f)", "if (0)", "fetcher-instance"),
        ("line", "return size == 0 || text[size - 1] != '\\\\';", "return true;", "fetcher-instance"),
        ("name", "if (!name_valid(texts[COLUMN_PROTOCOL]))", "if (0)", "fetcher-instance"),
        ("clear", 'strncmp(texts[COLUMN_PASSWORD], "midtls:", strlen("midtls:")) != 0', "0", "fetcher-instance"),
        ("limit", " || json_array_size(records) > RECORDS_MAX", "", "fetcher-instance"),
        ("retry", "reply->status == 200 && json_is_array(records)", "json_is_array(records)", "fetcher-instance"),
        ("configuration", "return n == _COLUMN_MAX && !word;", "return n == _COLUMN_MAX;", "fetcher-instance"),
    ],
    "keyd/runner/provider.c": [
        ("configuration", "if (has_semicolon(ask)) {", "if (0) {", "runner-provider"),
        ("retry", "!WIFEXITED(result->status) || WEXITSTATUS(result->status) != 0", "!WIFEXITED(result->status)", "runner-provider"),
        ("retry", "!WIFEXITED(result->status) || WEXITSTATUS(result->status) != 0", "WEXITSTATUS(result->status) != 0", "runner-provider"),
        ("retry", " || memchr(text, '\\n', size)", "", "runner-provider"),
    ],
    "keyd/runner/run.c": [
        ("configuration", "path[0] == '/' ? ", "1 ? ", "runner-provider"),
        ("configuration", "if ((st.st_mode & S_IFMT) != type)", "if (0)", "runner-provider"),
    ],
    "keyd/supervisor/keep.c": [
        ("name", "!make_name(m->profile, name) || ", "(make_name(m->profile, name), 0) || ", "keep"),
        ("same", " || is_same(folder, name, m->text)", "", "keep"),
    ],
    "keyd/supervisor/load-record.c": [
        ("violation", "r->keep_is_whole || ", "", "load-record"),
        ("violation", " || r->has_fetcher[m.store]", "", "load-record"),
    ],
    "keyd/loader/config/config-store.c": [
        ("configuration", "account_find(values[i], &store, NULL) && c->stores[store].problem", "0", "config-dir"),
    ],
    "keyd/loader/config/account.c": [
        ("configuration", "return !path_valid(ret->object);", "return 0;", "loader-vault"),
        ("configuration", "if ((unsigned char) text[i] < 0x20 || text[i] == 0x7f)", "if (0)", "loader-vault"),
    ],
}
