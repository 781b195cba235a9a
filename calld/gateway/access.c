/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/access.h"

#include <fnmatch.h>

#include "calld/gateway/target.h"
#include "common/log.h"
#include "common/parse.h"

#define GROUP_NAME "midtls"

/* What could not be looked up is tried again after a while; nobody is let in by it until then. */
#define RETRY_USEC USEC_PER_SEC
#define LOOKUP_USEC (2 * USEC_PER_SEC)

/* A number, or a name that is looked up. Return: false when nobody is meant, or nobody knows yet who */
static bool find_id(Access *a, ResolveKind kind, const char *name, uint32_t *ret) {
        uint64_t number;
        int r;

        /* -1 means "no user" to the kernel */
        if (parse_uint(name, 0, UINT32_MAX - 1, &number) == 0) {
                *ret = (uint32_t) number;
                return true;
        }
        if (!*name || strlen(name) > RESOLVE_NAME_MAX)
                return false;

        r = a->names.find(a->names.userdata, kind, span_from_string(name), a->deadline_usec, ret);
        if (r != 0 && r != RESOLVER_E_UNKNOWN)
                a->is_partial = true;
        return r == 0;
}

static void warn_unknown(const Connection *c, const char *setting, const char *name) {
        log_message(PRIORITY_WARNING, "%s= of connection %.*s names %s, which this host does not know", setting, (int) c->m.alias.size,
                    (const char *) c->m.alias.data, name);
}

static int add_user(Access *a, AccessRule *rule, const char *name) {
        if (strcmp(name, "*") == 0)
                rule->anyone = true;
        else if (find_id(a, RESOLVE_USER, name, &rule->uids[rule->n_uids]))
                rule->n_uids++;
        else
                warn_unknown(rule->connection, "AllowUsers", name);
        return 0;
}

static int add_group(Access *a, AccessRule *rule, const char *name) {
        if (find_id(a, RESOLVE_GROUP, name, &rule->gids[rule->n_gids]))
                rule->n_gids++;
        else
                warn_unknown(rule->connection, "AllowGroups", name);
        return 0;
}

static int add_all(Access *a, AccessRule *rule, const TextList *names, int (*add)(Access *a, AccessRule *rule, const char *name)) {
        int r = 0;

        for (size_t i = 0; r == 0 && i < names->n_items; i++) {
                _cleanup_free_ char *name = NULL;

                r = span_to_string(names->items[i], &name);
                if (r == 0)
                        r = add(a, rule, name);
        }
        return r;
}

static int make_rule(Access *a, AccessRule *rule, const Connection *c) {
        int r;

        rule->connection = c;
        rule->uids = calloc(c->m.allow_users.n_items + 1, sizeof(*rule->uids));
        rule->gids = calloc(c->m.allow_groups.n_items + 1, sizeof(*rule->gids));
        if (!rule->uids || !rule->gids)
                return -ENOMEM;

        r = add_all(a, rule, &c->m.allow_users, add_user);
        return r < 0 ? r : add_all(a, rule, &c->m.allow_groups, add_group);
}

void access_done(Access *a) {
        for (size_t i = 0; i < a->n_rules; i++) {
                free(a->rules[i].uids);
                free(a->rules[i].gids);
        }
        free(a->rules);
        *a = (Access) {.names = a->names};
}

static bool is_current(const Access *a, const Directory *d) {
        return a->rules && a->n_changes == d->n_changes && (!a->is_partial || now_usec() < a->retry_usec);
}

int access_update(Access *a, const Directory *d) {
        int r = 0;

        if (is_current(a, d))
                return 0;

        access_done(a);
        a->own_uid = geteuid();
        a->deadline_usec = deadline_after(LOOKUP_USEC);
        a->has_group = find_id(a, RESOLVE_GROUP, GROUP_NAME, &a->group);
        a->rules = calloc(d->n_connections + 1, sizeof(*a->rules));
        if (!a->rules)
                return -ENOMEM;

        for (size_t i = 0; r == 0 && i < d->n_connections; i++)
                r = make_rule(a, &a->rules[a->n_rules++], d->connections[i]);
        if (r < 0) {
                access_done(a);
                return r;
        }
        a->n_changes = d->n_changes;
        a->retry_usec = deadline_after(RETRY_USEC);
        return 0;
}

static const AccessRule *find_rule(const Access *a, const Connection *c) {
        size_t from = 0, to = a->n_rules;

        while (from < to) {
                size_t middle = from + (to - from) / 2;
                int r = directory_compare_names(a->rules[middle].connection->m.alias, c->m.alias);

                if (r == 0)
                        return a->rules[middle].connection == c ? &a->rules[middle] : NULL;
                if (r < 0)
                        from = middle + 1;
                else
                        to = middle;
        }
        return NULL;
}

bool access_is_default_caller(const Access *a, const Peer *peer) {
        if (!peer)
                return false;
        return peer->uid == 0 || peer->uid == a->own_uid || (a->has_group && peer_in_group(peer, a->group));
}

static bool rule_names(const AccessRule *rule, const Peer *peer) {
        if (rule->anyone)
                return true;
        if (!peer)
                return false;

        for (size_t i = 0; i < rule->n_uids; i++)
                if (rule->uids[i] == peer->uid)
                        return true;
        for (size_t i = 0; i < rule->n_gids; i++)
                if (peer_in_group(peer, rule->gids[i]))
                        return true;
        return false;
}

static bool context_allowed(const TextList *globs, const Peer *peer) {
        if (globs->n_items == 0)
                return true;
        if (!peer || !peer->context[0])
                return false;

        for (size_t i = 0; i < globs->n_items; i++) {
                _cleanup_free_ char *glob = NULL;

                if (span_to_string(globs->items[i], &glob) == 0 && fnmatch(glob, peer->context, FNM_NOESCAPE) == 0)
                        return true;
        }
        return false;
}

bool access_allows_caller(const Access *a, const Connection *c, const Peer *peer) {
        const AccessRule *rule = find_rule(a, c);
        bool says_nothing = c->m.allow_users.n_items == 0 && c->m.allow_groups.n_items == 0;

        if (!rule || !context_allowed(&c->m.allow_selinux_contexts, peer))
                return false;
        return says_nothing ? access_is_default_caller(a, peer) : rule_names(rule, peer);
}

/* Where matching goes on after the last star: nothing before it has to be tried again. */
typedef struct GlobStar {
        size_t glob, text;
        bool set;
} GlobStar;

static bool star_advance(GlobStar *star, size_t *glob, size_t *text) {
        if (!star->set)
                return false;
        *glob = star->glob;
        *text = ++star->text;
        return true;
}

bool access_glob_match(Span glob, Span text) {
        GlobStar one = {}, across = {};
        size_t g = 0, t = 0;

        while (t < text.size || g < glob.size) {
                if (g < glob.size && glob.data[g] == '*') {
                        bool is_across = g + 1 < glob.size && glob.data[g + 1] == '*';

                        g += is_across ? 2 : 1;
                        *(is_across ? &across : &one) = (GlobStar) {.glob = g, .text = t, .set = true};
                        one.set = one.set && !is_across;
                } else if (t < text.size && g < glob.size && (glob.data[g] == text.data[t] || (glob.data[g] == '?' && text.data[t] != '/'))) {
                        g++;
                        t++;
                } else if (one.set && one.text < text.size && text.data[one.text] != '/') {
                        (void) star_advance(&one, &g, &t);
                } else {
                        one.set = false;
                        if (across.text >= text.size || !star_advance(&across, &g, &t))
                                return false;
                }
        }
        return true;
}

static bool any_glob_matches(const TextList *globs, Span text) {
        for (size_t i = 0; i < globs->n_items; i++)
                if (access_glob_match(globs->items[i], text))
                        return true;
        return false;
}

bool access_allows_method(const MsgConnection *m, Span method) {
        return m->allow_methods.n_items == 0 || any_glob_matches(&m->allow_methods, method);
}

bool access_allows_path(const MsgConnection *m, Span path) {
        _cleanup_free_ uint8_t *decoded = NULL;
        Span rest = target_path_only(path);
        size_t n = 0;
        int byte;

        if (m->allow_paths.n_items == 0)
                return true;
        if (target_has_dot_segment(path))
                return false;

        decoded = malloc(rest.size + 1);
        if (!decoded)
                return false;

        while ((byte = target_next_byte(&rest)) >= 0)
                decoded[n++] = (uint8_t) byte;
        return any_glob_matches(&m->allow_paths, span_make(decoded, n));
}
