# SPDX-License-Identifier: Apache-2.0
"""Who may ask for what: the verifier's policy, and everything that the signer looks at again: (code, text, replacement, tests that must notice)

Where nothing is found, the mutant takes the first that there is: to go on with nothing would only crash.
"""

POLICY = "keyd/verifier/policy.c"
VERDICT = "keyd/signer/verdict.c"
TABLE = "keyd/signer/table.c"
SIGN = "verifier-refuse"
REFUSE = "signer-refuse"

ROWS = {
    POLICY: [
        ("profile-unknown", "        if (!connection)\n", "        connection = connection || !p ? connection : p->connections;\n        if (!connection)\n", SIGN),
        ("profile-not-for-alias", "        if (!profile)\n", "        profile = profile ? profile : p->profiles;\n        if (!profile)\n", SIGN),
        ("profile-not-for-alias", "if (connection->state != PROTO_STATE_READY)", "if (0)", SIGN),
        ("generation-gone", "i->generation == generation && ", "", "policy " + SIGN),
        ("generation-gone", " && i->forget_usec > now", "", "policy"),
        ("key-expired", "if (profile->m.state == PROTO_STATE_EXPIRED)", "if (0)", SIGN),
        ("key-expired", "if (profile->m.state == PROTO_STATE_NOT_YET_VALID)", "if (0)", SIGN),
        ("key-expired", "realtime < leaf->not_before || ", "", "policy"),
        ("key-expired", " || realtime > leaf->not_after", "", "policy"),
        ("server-certificate", "if (!profile->store)", "if (0)", "policy"),
        ("server-certificate", ".pins = &profile->m.pins,", ".pins = &(const TextList) {},", SIGN),
        ("server-certificate", ".has_crls = profile->has_crls,", ".has_crls = false,", "policy"),
        ("version", ".minimum_tls = profile->m.minimum_tls,", ".minimum_tls = TLS_VERSION_1_2,", "policy"),
    ],
    "keyd/verifier/policy-build.c": [
        ("server-certificate", "profile->store = crls->finished ? store_with_crls(set, crls) : NULL;",
         "profile->store = crls->finished ? store_with_crls(set, crls) : NULL;\n        if (!profile->store && X509_STORE_up_ref(set->store) == 1)\n"
         "                profile->store = set->store;\n        if (0)\n                ;", SIGN),
        ("server-certificate", "profile->store = crls->finished ? store_with_crls(set, crls) : NULL;", "profile->store = store_with_crls(set, crls);", "policy"),
        ("generation-gone", "leaf->forget_usec = MIN_OF(i->forget_usec, now + ROLE_OLD_GENERATION_USEC);", "leaf->forget_usec = USEC_INFINITY;", "policy"),
    ],
    "keyd/verifier/control.c": [
        ("server-certificate", "        chain_cache_clear(v->cache);\n", "", SIGN),
    ],
    "keyd/verifier/requests.c": [
        # After a refusal the connection ends.
        ("poisoned-session", "        s->state = SESSION_ENDING;\n", "", SIGN),
        ("poisoned-session", "[MSG_SIGN]  = {ASKING, ", "[MSG_SIGN]  = {ASKING | IN(SESSION_NEW), ", "verifier-sessions"),
        ("deadline", "        if (m->deadline_usec <= now) {", "        if (0) {", SIGN),
    ],
    "keyd/verifier/signer-channel.c": [
        ("deadline", "(s->pending.deadline_usec <= now || v->signer_gone)", "v->signer_gone", SIGN),
    ],
    VERDICT: [
        ("deadline", "return c->m->deadline_usec > c->now || refuse", "return true || refuse", REFUSE),
        ("profile-unknown", "        if (!c->binding)\n", "        c->binding = c->binding ? c->binding : c->table->now.bindings;\n        if (!c->binding)\n", REFUSE),
        ("profile-unknown", "        return c->grant || refuse", "        c->grant = c->grant ? c->grant : c->table->now.grants;\n        return c->grant || refuse",
         REFUSE, [(VERDICT, "table_find_key(c->table, c->binding->profile,", "table_find_key(c->table, c->grant->profile,")]),
        ("generation-gone", "        return c->key || refuse", "        c->key = c->key ? c->key : c->table->now.keys;\n        return c->key || refuse", REFUSE),
        ("key-expired", "c->key->not_before <= c->now_realtime && ", "", REFUSE),
        ("key-expired", " && c->now_realtime <= c->key->not_after", "", REFUSE),
        ("rate-limited", "return grant_charge(c->grant, c->now) || refuse", "return true || refuse", REFUSE),
        ("server-certificate", "return grant_allows_server(c->grant, c->m->server_spki_sha256) ||", "return true ||", REFUSE),
        ("profile-not-for-alias", "return span_is(c->m->destination, c->binding->destination) ||", "return true ||", REFUSE),
        ("replay", "return replay_note(c->replay, digest, c->now) || refuse", "return true || refuse", REFUSE),
        ("replay", "return replay_note(c->replay, digest, c->now) || refuse", "return replay_note(c->replay, c->m->transcript_sha256, c->now) || refuse", REFUSE),
    ],
    TABLE: [
        ("profile-unknown", "                if (span_is(alias, b->alias))\n", "                if (memcmp(alias.data, b->alias, alias.size) == 0)\n", REFUSE),
        ("generation-gone", "k->generation == generation && ", "", "table " + REFUSE),
        ("generation-gone", "k->forget_usec = now + ROLE_OLD_GENERATION_USEC;", "k->forget_usec = USEC_INFINITY;", "table"),
        ("generation-gone", "                        k->forget_usec = 0;\n", "                        k->forget_usec = USEC_INFINITY;\n", "table"),
        ("rate-limited", "        take_grants(t);\n", "", "table"),
        ("rate-limited", "        g->credit -= USEC_PER_MINUTE;\n", "", "table"),
        ("rate-limited", "MIN_OF(MIN_OF(g->credit, max) + elapsed * g->max_signatures_per_minute, max)", "MIN_OF(g->credit, max) + elapsed * g->max_signatures_per_minute",
         "table"),
    ],
    "keyd/signer/replay.c": [
        ("replay", "now - r->noted_usec[i] > REPLAY_USEC", "now - r->noted_usec[i] >= REPLAY_USEC", "table"),
        ("replay", "r->next = (r->next + 1) % REPLAY_ENTRIES;", "r->next = (r->next + 1) % (REPLAY_ENTRIES / 2);", "table"),
    ],
    "keyd/signer/scheme.c": [
        ("scheme", "{TLS_SCHEME_RSA_PKCS1_SHA256,       0,  ", "{TLS_SCHEME_RSA_PKCS1_SHA256,       RSA,", "table"),
        ("scheme", "{TLS_SCHEME_ECDSA_SECP256R1_SHA256, P256, ", "{TLS_SCHEME_ECDSA_SECP256R1_SHA256, EC, ", "table"),
        ("scheme", "kinds & (1U << kind) ? &schemes[i] : NULL", "&schemes[i]", "table"),
        ("scheme", "tls_version == TLS_VERSION_1_3 ? schemes[i].kinds_tls13 : schemes[i].kinds_tls12", "schemes[i].kinds_tls12", "table"),
    ],
    "keyd/signer/tbs.c": [
        ("transcript-malformed", "        if (hash.size != 32 && hash.size != 48)\n", "        if (hash.size > 48)\n", REFUSE),
        ("transcript-malformed", "return wire_reader_end(&r) != 0;", "return 0;", REFUSE),
        ("sequence", "first != HANDSHAKE_CLIENT_HELLO || ", "", REFUSE),
        ("sequence", " || last != HANDSHAKE_CLIENT_KEY_EXCHANGE", "", REFUSE),
    ],
    "keyd/signer/key.c": [
        ("own-signature", " || !verify(k->public_key, scheme, tbs, ret, size)", "", "key"),
        ("own-key", "if (X509_check_private_key(leaf, k->private_key) != 1)", "if (0)", "signer-keys"),
        ("own-key", "if (keytype_name(k->private_key, kind, sizeof(kind)) != 0 || ", "if (", "signer-keys"),
    ],
    "keyd/signer/intake.c": [
        ("keys-channel", "row->in_batch && !t->batch_open", "0", "signer-keys"),
        ("keys-channel", "return r > 0 ? INTAKE_E_MALFORMED : r;", "return r > 0 ? 0 : r;", "signer-keys"),
    ],
}
