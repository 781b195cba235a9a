# SPDX-License-Identifier: Apache-2.0
"""Whom calld lets call what, and which requests it takes: (code, text, replacement, tests that must notice)

Left out are the rules of framing that libmicrohttpd has before ours: a second Content-Length, and one that is no number.
"""

DENIED = "caller-denied"
INVALID = "request-invalid"
ERRORS = "gateway-errors"
ACCESS = "gateway-access"
TARGET = "gateway-target"

MIX_UP = "identities-apart"

ROWS = {
    # One multi handle for all connections, or one set of easy handles, which have the TLS sessions: nothing else tells identities apart.
    "calld/call/pool.c": [
        (MIX_UP, "r = curlloop_new(loop, turn, ops, &p->curl);",
         "static _Thread_local CurlLoop *one;\n        r = one ? 0 : curlloop_new(loop, turn, ops, &one);\n        p->curl = one;", "gateway",
         [("calld/call/pool.c", "curlloop_free(p->curl);", "")]),
        (MIX_UP, "CURL *pool_take_easy(Pool *p) {", "static _Thread_local Pool *one;\n\nCURL *pool_take_easy(Pool *p) {\n        p = one ? one : (one = p);", "gateway",
         [("calld/call/pool.c", "void pool_give_easy(Pool *p, CURL *easy) {", "void pool_give_easy(Pool *p, CURL *easy) {\n        p = one;")]),
    ],
    "calld/call/address.c": [
        ("address-denied", "return address_parse(copy, bytes, &bits) ? find_denied(bytes, deny) : NULL;", "return NULL;", "call-address"),
    ],
    "calld/gateway/access.c": [
        (DENIED, "if (!rule || !context_allowed(&c->m.allow_selinux_contexts, peer))", "if (!rule)", ACCESS),
        (DENIED, "return a->rules[middle].connection == c ? &a->rules[middle] : NULL;", "return &a->rules[middle];", ACCESS),
        (DENIED, "return says_nothing ? access_is_default_caller(a, peer) : rule_names(rule, peer);", "return says_nothing || rule_names(rule, peer);", ACCESS),
        (DENIED, "return says_nothing ? access_is_default_caller(a, peer) : rule_names(rule, peer);",
         "return access_is_default_caller(a, peer) || (!says_nothing && rule_names(rule, peer));", ACCESS),
        (DENIED, "if (rule->uids[i] == peer->uid)", "if (1)", ACCESS),
        (DENIED, "if (peer_in_group(peer, rule->gids[i]))", "if (1)", ACCESS),
        (DENIED, "fnmatch(glob, peer->context, FNM_NOESCAPE) == 0", "true", ACCESS),
        (DENIED, " || any_glob_matches(&m->allow_methods, method)", " || true", ACCESS),
        (DENIED, "if (target_has_dot_segment(path))", "if (0)", ACCESS),
        (DENIED, "return any_glob_matches(&m->allow_paths, span_make(decoded, n));", "return true;", ACCESS),
        (DENIED, "(glob.data[g] == '?' && text.data[t] != '/')", "glob.data[g] == '?'", ACCESS),
        (DENIED, "one.set && one.text < text.size && text.data[one.text] != '/'", "one.set && one.text < text.size", ACCESS),
    ],
    "calld/gateway/exchange-call.c": [
        (DENIED, "if (!access_allows_caller(&g->access, c, e->client->has_peer ? &e->client->peer : NULL) &&", "if (0 &&", ERRORS),
        (DENIED, "if (!access_allows_method(&c->m, span_from_string(e->method)) && ", "if (0 && ", ERRORS),
        (DENIED, "return access_allows_path(&c->m, e->target.path) || ", "return true || ", ERRORS),
        # with the error forgotten too: what becomes of a call that goes on with one depends on timing, and once no test noticed
        (DENIED, "return report_only;", "e->error = (CallError) {.code = CALL_OK, .alert_id = -1};\n        return true;", ERRORS),
        (INVALID, "if (method_known(e->method) && !target_leaves_base(e->target.path))", "if (!target_leaves_base(e->target.path))", ERRORS),
    ],
    "calld/gateway/shared.c": [
        ("overloaded", "if (s->n_calls >= max_calls)", "if (0)", ERRORS),
        ("overloaded", "if (!user || user->n_calls >= max_calls_per_user)", "if (!user)", ERRORS),
    ],
    "calld/gateway/exchange.c": [
        ("request-too-large", "else if (e->request.n_bytes > gateway_max_header_bytes(e->gateway))", "else if (0)", ERRORS),
        (INVALID, "else if (e->request.n_hosts > 1)", "else if (0)", ERRORS),
        (INVALID, "        else if (r != 0)\n                e->error = error;\n", "", ERRORS),
    ],
    "calld/gateway/exchange-soap.c": [
        (INVALID, "else if (o->soap_addressing && (!o->soap_action || !is_ascii(o->soap_action)))", "else if (o->soap_addressing && !o->soap_action)", ERRORS),
    ],
    "calld/soap/soap.c": [
        (INVALID, "if (root.is_envelope && header.size > 0)", "if (0)", "soap"),
    ],
    "calld/gateway/tcp.c": [
        (DENIED, "if (e->request.from_page)", "if (0)", "gateway"),
        (DENIED, "if (!host_is_exact(e))", "if (0)", "gateway"),
        (DENIED, "return span_equal(host, t->authority);", "return true;", "gateway"),
        (DENIED, "return span_equal(host, t->alias) && ", "return ", "gateway"),
        (DENIED, " && (t->kind != TARGET_RESERVED || span_is(host, TARGET_RESERVED_AUTHORITY))", "", "gateway"),
        (DENIED, "if (!tcp_token_matches(wanted, e->request.options.token))", "if (0)", "gateway"),
        (DENIED, "if (wanted.size == 0 || wanted.size >= sizeof(a) || n >= sizeof(b))", "if (wanted.size >= sizeof(a) || n >= sizeof(b))", "gateway-request"),
        (DENIED, "return CRYPTO_memcmp(a, b, sizeof(a)) == 0;", "return CRYPTO_memcmp(a, b, 16) == 0;", "gateway"),
    ],
    "calld/gateway/request.c": [
        (INVALID, "strcasecmp(value, \"chunked\") != 0", "0", ERRORS),
        (INVALID, "if (r->n_encodings++ > 0 || ", "if (r->n_encodings++ > 9 || ", ERRORS),
        (INVALID, "if (r.n_lengths > 0)", "if (0)", ERRORS),
        (INVALID, "r->failed = option_take(&q->options, name, value, r->error) != 0;",
         "ignore_result(option_take(&q->options, name, value, r->error), \"\");", ERRORS),
    ],
    "calld/gateway/options.c": [
        (INVALID, "\"there is no option %.60s\", name);\n        return 1;", "\"there is no option %.60s\", name);\n        return 0;", "gateway-request"),
        (INVALID, "if (o->seen & (1U << i))", "if (0)", "gateway-request"),
        (INVALID, " && o->timeout_usec > 0", "", "gateway-request"),
        # What is no time span leaves 0, so that each half has the other behind it.
        (INVALID, "return parse_timespan(value, &o->timeout_usec) == 0 && o->timeout_usec > 0;", "return parse_timespan(value, &o->timeout_usec) != 77;",
         "gateway-request"),
        (INVALID, "return strcasecmp(value, \"off\") == 0;", "return true;", "gateway-request"),
        (INVALID, "return o->soap != SOAP_NONE;", "return true;", "gateway-request"),
        (INVALID, " || *p == '\"'", "", "gateway-request"),
        (INVALID, " || *p == '\\\\'", "", "gateway-request"),
    ],
    "calld/gateway/target.c": [
        (INVALID, "target.data[i] <= 0x20 || target.data[i] == 0x7f", "target.data[i] == 0x7f", TARGET),
        (INVALID, " || target.data[i] == '#'", "", TARGET),
        (INVALID, "authority.size == 0 || span_find(authority, \"@/ \\t,\") < authority.size", "authority.size == 0", TARGET),
        (INVALID, "authority.size == 0 || span_find(authority, \"@/ \\t,\") < authority.size", "span_find(authority, \"@/ \\t,\") < authority.size", TARGET),
        (INVALID, "span_find(authority, \"@ \\t,\") < authority.size || ", "", TARGET),
        (INVALID, " || colon == 0", "", TARGET),
        (INVALID, "digits.size == 0 || parse_port(port, &ret->port) == 0 ? 0 : TARGET_E_INVALID",
         "digits.size == 0 || parse_port(port, &ret->port) == 0 ? 0 : 0", TARGET),
        (INVALID, "if (target_leaves_base(t.path))", "if (0)", TARGET),
        (INVALID, "if (segment == SEGMENT_DOT_DOT && depth-- == 0)", "if (segment == SEGMENT_DOT_DOT && depth == 0)", TARGET),
        (INVALID, "byte != '/' && byte != '\\\\'", "byte != '/'", TARGET),
        (INVALID, "                if (byte == ';')\n                        parameters = true;\n", "", TARGET),
    ],
}
