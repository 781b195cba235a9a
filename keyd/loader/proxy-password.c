/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/proxy-password.h"

#include <string.h>

#include "common/proto.h"
#include "keyd/loader/file.h"
#include "keyd/loader/password-source.h"

static int fail(ConnectionConfig *c, const LoadFailure *f, Problems *problems) {
        free(c->reason);
        c->reason = strdup(f->detail);
        c->broken = true;
        return c->reason ? problems_add(problems, c->file, 0, false, f->hint, "%s", f->detail) : -ENOMEM;
}

int proxy_password_read(ConnectionConfig *c, const char *host_key_folder, Problems *problems) {
        char whose[PROTO_NAME_MAX + sizeof("the proxy of connection ")], *text;
        const PasswordPlace place = {.whose = whose, .file = c->file, .host_key_folder = host_key_folder};
        _cleanup_(secret_freep) Secret *password = NULL;
        LoadFailure failure = {};
        bool is_plain;
        int r;

        if (c->broken || !c->proxy_password || !*c->proxy_password)
                return 0;

        snprintf(whose, sizeof(whose), "the proxy of connection %s", c->alias);
        r = password_read(&place, NULL, c->proxy_password, &password, &is_plain, &failure);
        if (r == 0 && (secret_size(password) == 0 || strlen((const char *) secret_data(password)) != secret_size(password)))
                r = load_failure(&failure, VERDICT_FORMAT, "one line of text", "the password of %s is empty or no text", whose);
        if (r != 0)
                return r < 0 ? r : fail(c, &failure, problems);

        text = strdup((const char *) secret_data(password));
        if (!text)
                return -ENOMEM;
        explicit_bzero(c->proxy_password, strlen(c->proxy_password));
        free(c->proxy_password);
        c->proxy_password = text;
        return 0;
}
