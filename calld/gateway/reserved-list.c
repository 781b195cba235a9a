/* SPDX-License-Identifier: Apache-2.0 */

/* GET /connections, /profiles, /status */

#include <openssl/evp.h>

#include "calld/gateway/certificate.h"
#include "calld/gateway/reserved.h"

json_t *reserved_text(Span s) {
        _cleanup_free_ char *copy = NULL;
        json_t *value;

        value = json_stringn(s.size > 0 ? (const char *) s.data : "", s.size);
        if (value)
                return value;

        copy = malloc(s.size + 1);
        if (!copy)
                return NULL;
        for (size_t i = 0; i < s.size; i++)
                copy[i] = s.data[i] >= 0x20 && s.data[i] < 0x7f ? (char) s.data[i] : '?';
        return json_stringn(copy, s.size);
}

static json_t *texts(const TextList *list) {
        json_t *array = json_array();

        for (size_t i = 0; i < list->n_items; i++)
                json_array_append_new(array, reserved_text(list->items[i]));
        return array;
}

/* Values may be secrets. */
static json_t *headers(const TextList *names) {
        json_t *array = json_array();

        for (size_t i = 0; i < names->n_items; i++)
                json_array_append_new(array, json_pack("{s:o, s:s}", "name", reserved_text(names->items[i]), "value", "(hidden)"));
        return array;
}

static json_t *numbers(const TextList *list) {
        json_t *array = json_array();

        for (size_t i = 0; i < list->n_items; i++) {
                json_int_t value = 0;

                for (size_t k = 0; k < list->items[i].size; k++)
                        value = value * 10 + (list->items[i].data[k] - '0');
                json_array_append_new(array, json_integer(value));
        }
        return array;
}

static json_t *pins(const TextList *list) {
        json_t *array = json_array();

        for (size_t i = 0; i < list->n_items; i++) {
                char text[7 + 4 * ((PROTO_PIN_SIZE + 2) / 3) + 1] = "sha256/";

                if (list->items[i].size != PROTO_PIN_SIZE)
                        continue;
                EVP_EncodeBlock((unsigned char *) text + 7, list->items[i].data, PROTO_PIN_SIZE);
                json_array_append_new(array, json_string(text));
        }
        return array;
}

static const char *state_to_string(uint8_t state) {
        static const char *const names[_PROTO_STATE_MAX] = {
                [PROTO_STATE_READY] = "ready",
                [PROTO_STATE_UNAVAILABLE] = "unavailable",
                [PROTO_STATE_EXPIRED] = "expired",
                [PROTO_STATE_NOT_YET_VALID] = "not-yet-valid",
        };

        return state < _PROTO_STATE_MAX ? names[state] : "unavailable";
}

/* keyd may not have noticed yet. */
static uint8_t profile_state(const MsgProfile *p) {
        struct timespec now = {};

        if (p->state == PROTO_STATE_READY && p->not_after != 0 && clock_gettime(CLOCK_REALTIME, &now) == 0 && (uint64_t) now.tv_sec > p->not_after)
                return PROTO_STATE_EXPIRED;
        return p->state;
}

char *reserved_url(const MsgConnection *m) {
        bool is_ipv6 = memchr(m->host.data, ':', m->host.size);
        char *url = NULL;

        if (asprintf(&url, "https://%s%.*s%s:%u%.*s", is_ipv6 ? "[" : "", (int) m->host.size, (const char *) m->host.data, is_ipv6 ? "]" : "",
                     m->port, (int) m->base_path.size, (const char *) m->base_path.data) < 0)
                return NULL;
        return url;
}

static json_t *retry(const MsgConnection *m) {
        static const char *const strategies[_RETRY_MAX] = {
                [RETRY_NONE] = "none",
                [RETRY_FIXED] = "fixed",
                [RETRY_EXPONENTIAL] = "exponential",
                [RETRY_AFTER] = "retry-after",
        };

        return json_pack("{s:s, s:I, s:I, s:I, s:o}", "strategy", m->retry_strategy < _RETRY_MAX ? strategies[m->retry_strategy] : "none",
                         "interval_usec", (json_int_t) m->retry_interval_usec, "count", (json_int_t) m->retry_count, "max_elapsed_usec",
                         (json_int_t) m->retry_max_elapsed_usec, "status_codes", numbers(&m->retry_status_codes));
}

static void put_state(json_t *o, const Connection *c) {
        bool ours = c->m.state != PROTO_STATE_READY || !c->profile;
        uint8_t state = ours ? (c->m.state != PROTO_STATE_READY ? c->m.state : PROTO_STATE_UNAVAILABLE) : profile_state(&c->profile->m);

        json_object_set_new(o, "state", json_string(state_to_string(state)));
        json_object_set_new(o, "reason", reserved_text(ours ? c->m.reason : c->profile->m.reason));
        json_object_set_new(o, "hint",
                            ours ? json_string("Correct the connection's file, then `midtls reload`.") : reserved_text(c->profile->m.hint));
}

static void put_limits(json_t *o, const MsgConnection *m) {
        json_object_set_new(o, "http2", json_boolean(m->http2));
        json_object_set_new(o, "session_resumption", json_boolean(m->session_resumption));
        json_object_set_new(o, "connect_timeout_usec", json_integer((json_int_t) m->connect_timeout_usec));
        json_object_set_new(o, "timeout_usec", json_integer((json_int_t) m->timeout_usec));
        json_object_set_new(o, "max_request_bytes", json_integer((json_int_t) m->max_request_bytes));
        json_object_set_new(o, "max_response_bytes", json_integer((json_int_t) m->max_response_bytes));
        json_object_set_new(o, "proxy", reserved_text(m->proxy));
        json_object_set_new(o, "allow_users", texts(&m->allow_users));
        json_object_set_new(o, "allow_groups", texts(&m->allow_groups));
        json_object_set_new(o, "allow_selinux_contexts", texts(&m->allow_selinux_contexts));
        json_object_set_new(o, "allow_methods", texts(&m->allow_methods));
        json_object_set_new(o, "allow_paths", texts(&m->allow_paths));
        json_object_set_new(o, "deny_addresses", texts(&m->deny_addresses));
        json_object_set_new(o, "headers", headers(&m->header_names));
        json_object_set_new(o, "retry", retry(m));
}

static json_t *connection(const Connection *c) {
        _cleanup_free_ char *url = reserved_url(&c->m);
        json_t *o = json_object();

        json_object_set_new(o, "name", reserved_text(c->m.alias));
        json_object_set_new(o, "profile", reserved_text(c->m.profile));
        json_object_set_new(o, "url", json_string(url));
        put_state(o, c);
        json_object_set_new(o, "host", reserved_text(c->m.host));
        json_object_set_new(o, "port", json_integer(c->m.port));
        json_object_set_new(o, "base_path", reserved_text(c->m.base_path));
        put_limits(o, &c->m);
        json_object_set_new(o, "certificate", c->profile ? certificate_to_json(&c->profile->m) : json_null());
        json_object_set_new(o, "generation", json_integer(c->profile ? (json_int_t) c->profile->m.generation : 0));
        return o;
}

json_t *reserved_connections(const Directory *d) {
        json_t *array = json_array();

        for (size_t i = 0; i < d->n_connections; i++)
                json_array_append_new(array, connection(d->connections[i]));
        return json_pack("{s:o}", "connections", array);
}

static json_t *aliases_of(const Directory *d, const Profile *p) {
        json_t *array = json_array();

        for (size_t i = 0; i < d->n_connections; i++)
                if (d->connections[i]->profile == p)
                        json_array_append_new(array, reserved_text(d->connections[i]->m.alias));
        return array;
}

static json_t *profile(const Directory *d, const Profile *p) {
        const MsgProfile *m = &p->m;
        json_t *o = json_object();

        json_object_set_new(o, "name", reserved_text(m->name));
        json_object_set_new(o, "description", reserved_text(m->description));
        json_object_set_new(o, "state", json_string(state_to_string(profile_state(m))));
        json_object_set_new(o, "reason", reserved_text(m->reason));
        json_object_set_new(o, "hint", reserved_text(m->hint));
        json_object_set_new(o, "generation", json_integer((json_int_t) m->generation));
        json_object_set_new(o, "key_type", reserved_text(m->key_type));
        json_object_set_new(o, "default_port", json_integer(m->default_port));
        json_object_set_new(o, "minimum_tls", json_string(m->minimum_tls >= TLS_VERSION_1_3 ? "1.3" : "1.2"));
        json_object_set_new(o, "allowed_names", texts(&m->allowed_names));
        json_object_set_new(o, "pins", pins(&m->pins));
        json_object_set_new(o, "certificate", certificate_to_json(m));
        json_object_set_new(o, "chain", certificate_chain(m));
        json_object_set_new(o, "connections", aliases_of(d, p));
        return o;
}

json_t *reserved_profiles(const Directory *d) {
        json_t *array = json_array();

        for (size_t i = 0; i < d->n_profiles; i++)
                json_array_append_new(array, profile(d, d->profiles[i]));
        return json_pack("{s:o}", "profiles", array);
}

json_t *reserved_status(const Gateway *g) {
        const Directory *d = g->directory;
        unsigned n_calls = shared_n_calls(g->shared);

        return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "version", MIDTLS_VERSION, "sandbox", g->shared->sandbox,
                         "mid_name", reserved_text(d->limits.mid_name), "keyd", shared_keyd_is_up(g->shared) ? "up" : "down", "revision",
                         (json_int_t) shared_revision(g->shared), "n_connections", (json_int_t) d->n_connections, "n_profiles",
                         (json_int_t) d->n_profiles, "n_calls", (json_int_t) n_calls, "uptime_usec",
                         (json_int_t) (now_usec() - g->shared->started_usec), "max_calls", (json_int_t) d->limits.max_calls, "max_calls_per_user",
                         (json_int_t) d->limits.max_calls_per_user, "enforce", !d->limits.report_only);
}
