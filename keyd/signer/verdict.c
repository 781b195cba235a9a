/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/signer/verdict.h"

#include "common/audit.h"
#include "common/msg-hello.h"
#include "common/msg-refusal.h"
#include "common/msg-sign.h"
#include "keyd/signer/tbs.h"

/* What the checks find on their way. */
typedef struct Case {
        const MsgVerdict *m;
        Table *table;
        Replay *replay;
        uint64_t now;          /* CLOCK_MONOTONIC */
        uint64_t now_realtime; /* seconds since 1970 */
        const Binding *binding;
        Grant *grant;
        const SigningKey *key;
        const Scheme *scheme;
        Tbs tbs;
        RefusalCode code;
        const char *sentence; /* static */
} Case;

static bool refuse(Case *c, RefusalCode code, const char *sentence) {
        c->code = code;
        c->sentence = sentence;
        return false;
}

/* The checks, each with one reason to refuse; true: goes on */

static bool check_deadline(Case *c) {
        return c->m->deadline_usec > c->now || refuse(c, REFUSAL_INTERNAL, "the time for this handshake had run out");
}

static bool check_profile(Case *c) {
        c->binding = table_find_binding(c->table, c->m->alias);
        if (!c->binding)
                return refuse(c, REFUSAL_PROFILE_UNKNOWN, "no profile is bound to this alias");

        c->grant = table_find_grant(c->table, c->binding->profile);
        return c->grant || refuse(c, REFUSAL_PROFILE_UNKNOWN, "the alias's profile is not known");
}

static bool check_generation(Case *c) {
        c->key = table_find_key(c->table, c->binding->profile, c->m->generation);
        return c->key || refuse(c, REFUSAL_GENERATION_GONE, "there is no key of this generation");
}

static bool check_dates(Case *c) {
        return (c->key->not_before <= c->now_realtime && c->now_realtime <= c->key->not_after) ||
               refuse(c, REFUSAL_KEY_EXPIRED, "the client certificate is not valid at this time");
}

static bool check_rate(Case *c) {
        return grant_charge(c->grant, c->now) || refuse(c, REFUSAL_RATE_LIMITED, "the profile's signatures per minute are used up");
}

static bool check_version(Case *c) {
        return c->m->tls_version >= c->grant->minimum_tls || refuse(c, REFUSAL_VERSION, "the profile demands TLS 1.3");
}

static bool check_pins(Case *c) {
        return grant_allows_server(c->grant, c->m->server_spki_sha256) ||
               refuse(c, REFUSAL_SERVER_CERTIFICATE, "the server's key is none that is pinned");
}

static bool check_scheme(Case *c) {
        c->scheme = scheme_find(c->m->scheme, c->m->tls_version, c->key->kind);
        return c->scheme || refuse(c, REFUSAL_SCHEME, "the key is not used with this signature scheme in this version of TLS");
}

static bool check_tbs(Case *c) {
        return tbs_build(c->m, &c->tbs, &c->code, &c->sentence) == 0;
}

static bool check_destination(Case *c) {
        return span_is(c->m->destination, c->binding->destination) ||
               refuse(c, REFUSAL_PROFILE_NOT_FOR_ALIAS, "the alias is bound to another destination");
}

/* By what is signed, not by what the verifier says that it hashed: equal transcripts give equal bytes. */
static bool check_replay(Case *c) {
        uint8_t digest[REPLAY_DIGEST_SIZE];

        if (EVP_Digest(c->tbs.bytes.data, c->tbs.bytes.size, digest, NULL, EVP_sha256(), NULL) != 1)
                return refuse(c, REFUSAL_INTERNAL, "the handshake could not be hashed");

        return replay_note(c->replay, digest, c->now) || refuse(c, REFUSAL_REPLAY, "this handshake has been signed before");
}

static bool (*const checks[])(Case *c) = {
        check_deadline, check_profile, check_generation, check_dates,       check_rate,   check_version,
        check_pins,     check_scheme,  check_tbs,        check_destination, check_replay,
};

static bool check_all(Case *c) {
        for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
                if (!checks[i](c))
                        return false;
        return true;
}

/* answers */

static AuditRequest describe(const Case *c) {
        const MsgVerdict *m = c->m;

        return (AuditRequest) {
                .alias = m->alias,
                .profile = span_from_string(c->binding ? c->binding->profile : ""),
                .generation = m->generation,
                .call_id = m->call_id,
                .destination = m->destination,
                .tls_version = m->tls_version,
                .scheme = m->scheme,
                .transcript_sha256 = m->transcript_sha256,
                .server_spki_sha256 = m->server_spki_sha256,
                .client_sha256 = c->key ? c->key->leaf_sha256 : NULL,
        };
}

static int answer_refusal(const Case *c, Buf *answer) {
        MsgRefusal refusal = {.request_id = c->m->request_id, .code = (uint8_t) c->code, .sentence = span_from_string(c->sentence)};
        AuditRequest a = describe(c);

        audit_refusal(&a, c->code, refusal.sentence);
        return msg_refusal_encode(answer, &refusal);
}

/* Recorded before it is said: no signature leaves without its record having been written. */
static int answer_signature(const Case *c, Span signature, Buf *answer) {
        MsgSignature m = {.request_id = c->m->request_id, .signature = signature, .busy_usec = now_usec() - c->now};
        AuditRequest a = describe(c);

        audit_signature(&a);
        return msg_signature_encode(answer, &m);
}

int verdict_answer(Table *t, Replay *replay, Span record, Buf *answer) {
        uint8_t signature[PROTO_SIGNATURE_MAX];
        size_t size;
        MsgVerdict m;
        uint8_t type;
        Span body;

        if (msg_split(record, &type, &body) != 0 || type != ROLE_VERDICT || msg_verdict_decode(body, &m) != 0)
                return VERDICT_E_MALFORMED;

        Case c = {.m = &m, .table = t, .replay = replay, .now = now_usec(), .now_realtime = (uint64_t) time(NULL)};

        if (check_all(&c) && signing_key_sign(c.key, c.scheme, c.tbs.bytes, signature, &size) == 0)
                return answer_signature(&c, span_make(signature, size), answer);
        if (c.code == REFUSAL_INTERNAL && !c.sentence)
                c.sentence = "the signature could not be made";

        return answer_refusal(&c, answer);
}
