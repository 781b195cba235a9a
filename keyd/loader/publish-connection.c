/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/publish-internal.h"

#include <string.h>

#include "common/msg-connection.h"
#include "common/msg-hello.h"

bool publish_destination(const ConnectionConfig *c, char ret[static ROLE_DESTINATION_MAX + 1]) {
        int n = snprintf(ret, ROLE_DESTINATION_MAX + 1, "%s:%u", c->host, c->port);

        return n > 0 && n <= (int) ROLE_DESTINATION_MAX;
}

bool publish_connection_ready(const Publication *p, const ConnectionConfig *c, char *buffer, size_t size, const char **ret_reason) {
        const ProfileConfig *profile = c->profile ? config_find_profile(p->config, c->profile) : NULL;

        *ret_reason = buffer;
        if (c->broken) {
                decide_copy_text(buffer, size, c->reason ? c->reason : "its file is broken");
                return false;
        }
        if (!profile) {
                snprintf(buffer, size, "there is no profile \"%s\"", c->profile ? c->profile : "");
                return false;
        }
        if (!profile->applies) {
                snprintf(buffer, size, "its profile \"%s\" does not apply to this MID Server", profile->name);
                return false;
        }

        *ret_reason = "";
        return true;
}

static uint8_t retry_strategy(const char *name) {
        static const char *const names[_RETRY_MAX] = {
                [RETRY_NONE] = "none",
                [RETRY_FIXED] = "fixed",
                [RETRY_EXPONENTIAL] = "exponential",
                [RETRY_AFTER] = "retry-after",
        };

        for (size_t i = 0; name && i < _RETRY_MAX; i++)
                if (strcmp(names[i], name) == 0)
                        return (uint8_t) i;

        return RETRY_NONE;
}

static int fill_lists(const ConnectionConfig *c, MsgConnection *m) {
        const struct {
                char *const *texts;
                TextList *list;
        } lists[] = {
                {c->allow_users, &m->allow_users},
                {c->allow_groups, &m->allow_groups},
                {c->allow_selinux_contexts, &m->allow_selinux_contexts},
                {c->allow_methods, &m->allow_methods},
                {c->allow_paths, &m->allow_paths},
                {c->deny_addresses, &m->deny_addresses},
                {c->retry_status_codes, &m->retry_status_codes},
        };
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
                for (size_t k = 0; lists[i].texts && lists[i].texts[k] && r == 0; k++)
                        r = text_list_add(lists[i].list, span_from_string(lists[i].texts[k]));

        for (size_t i = 0; i < c->n_headers && r == 0; i++) {
                r = text_list_add(&m->header_names, span_from_string(c->headers[i].name));
                if (r == 0)
                        r = text_list_add(&m->header_values, span_from_string(c->headers[i].value));
        }
        return r;
}

/* Return: 0; -E2BIG or -EMSGSIZE when the protocol cannot hold it; -ENOMEM */
static int encode(const ConnectionConfig *c, Buf *record) {
        MsgConnection m = {
                .alias = span_from_string(c->alias),
                .profile = span_from_string(c->profile),
                .state = PROTO_STATE_READY,
                .host = span_from_string(c->host),
                .port = c->port,
                .base_path = span_from_string(c->base_path),
                .connect_timeout_usec = c->connect_timeout_usec,
                .timeout_usec = c->timeout_usec,
                .max_request_bytes = c->max_request_bytes,
                .max_response_bytes = c->max_response_bytes,
                .http2 = c->http2,
                .session_resumption = c->session_resumption,
                .proxy = span_from_string(c->proxy),
                .proxy_password = span_from_string(c->proxy_password),
                .retry_strategy = retry_strategy(c->retry_strategy),
                .retry_interval_usec = c->retry_interval_usec,
                .retry_count = c->retry_count,
                .retry_max_elapsed_usec = c->retry_max_elapsed_usec,
        };
        int r;

        r = fill_lists(c, &m);
        return r < 0 ? r : msg_connection_encode(record, &m);
}

/* Who asks for the alias learns why it cannot be used; nothing else of a broken file is handed on. */
static int encode_unavailable(const ConnectionConfig *c, const char *reason, Buf *record) {
        char profile[PROTO_NAME_MAX + 1] = "", host[PROTO_HOST_MAX + 1] = "";
        MsgConnection m = {
                .alias = span_from_string(c->alias),
                .state = PROTO_STATE_UNAVAILABLE,
                .reason = span_from_string(reason),
                .port = c->port,
                .base_path = SPAN_LITERAL(""),
        };

        decide_copy_text(profile, sizeof(profile), c->profile ? c->profile : "");
        decide_copy_text(host, sizeof(host), c->host ? c->host : "");
        m.profile = span_from_string(profile);
        m.host = span_from_string(host);

        buf_clear(record);
        return msg_connection_encode(record, &m);
}

static bool is_sound(const Buf *record) {
        MsgConnection m;
        uint8_t type;
        Span body;

        return msg_split(buf_span(record), &type, &body) == 0 && msg_connection_decode(body, &m) == 0;
}

int publish_connection(const Publication *p, const ConnectionConfig *c, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char buffer[PROTO_TEXT_MAX + 1];
        const char *reason;
        int r;

        if (!c->applies)
                return 0;

        if (publish_connection_ready(p, c, buffer, sizeof(buffer), &reason)) {
                r = encode(c, &record);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 || !is_sound(&record)) {
                        reason = "its file holds more, or other bytes, than can be handed on; see the limits in midtls.connection(5)";
                        r = encode_unavailable(c, reason, &record);
                }
        } else
                r = encode_unavailable(c, reason, &record);
        if (r < 0)
                return r;

        /* A file's name that is no alias: nobody can ask for it, and config-error has said it. */
        return is_sound(&record) ? record_list_add(ret, buf_span(&record)) : 0;
}
