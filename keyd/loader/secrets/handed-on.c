/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/secrets/handed-on.h"

#include <string.h>

#include "common/proto.h"
#include "keyd/loader/file.h"
#include "keyd/loader/secrets/password-source.h"

/* Replaces *@text, which says where it is. Return: 0; 1 with *f filled; -errno */
static int read_text(const PasswordPlace *place, size_t min, char **text, LoadFailure *f) {
        _cleanup_(secret_freep) Secret *secret = NULL;
        const char *value;
        bool is_plain;
        char *copy;
        int r;

        r = password_read(place, *text, &secret, &is_plain, f);
        if (r != 0)
                return r;

        value = (const char *) secret_data(secret);
        if (secret_size(secret) < min || secret_size(secret) > PROTO_TEXT_MAX || strlen(value) != secret_size(secret) || strpbrk(value, "\r\n"))
                return load_failure(f, VERDICT_FORMAT, "one line of text", "%s is no text of %zu to %u characters", place->whose, min,
                                    PROTO_TEXT_MAX);

        copy = strdup(value);
        if (!copy)
                return -ENOMEM;
        explicit_bzero(*text, strlen(*text));
        free(*text);
        *text = copy;
        return 0;
}

static int fail(ConnectionConfig *c, const LoadFailure *f, Problems *problems) {
        free(c->reason);
        c->reason = strdup(f->detail);
        c->broken = true;
        return c->reason ? problems_add(problems, c->file, 0, false, f->hint, "%s", f->detail) : -ENOMEM;
}

int proxy_password_read(ConnectionConfig *c, const char *host_key_folder, Problems *problems) {
        char whose[PROTO_NAME_MAX + sizeof("the proxy of connection ")];
        const PasswordPlace place = {.whose = whose, .file = c->file, .host_key_folder = host_key_folder};
        LoadFailure failure = {};
        int r;

        if (c->broken || !c->proxy_password || !*c->proxy_password)
                return 0;

        snprintf(whose, sizeof(whose), "the proxy of connection %s", c->alias);
        r = read_text(&place, 1, &c->proxy_password, &failure);
        return r > 0 ? fail(c, &failure, problems) : r;
}

int tcp_token_read(Config *c, Problems *problems) {
        const PasswordPlace place = {.whose = "the token for calls over TCP", .file = c->conf_file};
        LoadFailure failure = {};
        int r;

        if (!c->tcp_token)
                return 0;

        r = read_text(&place, TCP_TOKEN_MIN, &c->tcp_token, &failure);
        if (r <= 0)
                return r;
        free(c->tcp_token);
        c->tcp_token = NULL;
        return problems_add(problems, c->conf_file, 0, false, failure.hint, "%s", failure.detail);
}
