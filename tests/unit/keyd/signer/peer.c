/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/signer/peer.h"

#include <openssl/rand.h>

#include "common/msg-hello.h"
#include "common/msg-sign.h"

static void send_empty(RoleProcess *p, unsigned type) {
        _cleanup_(buf_done) Buf record = BUF_INIT(16);

        ASSERT(msg_empty_encode(&record, (MsgType) type) == 0);
        peer_send(p->keys, buf_span(&record));
}

static uint64_t batch;

void load_begin(RoleProcess *p) {
        _cleanup_(buf_done) Buf record = BUF_INIT(16);

        ASSERT(msg_keys_begin_encode(&record, &(MsgKeysBegin) {.batch = ++batch}) == 0);
        peer_send(p->keys, buf_span(&record));
}

void load_key(RoleProcess *p, const char *profile, uint64_t generation, EVP_PKEY *key, X509 *leaf) {
        _cleanup_(key_handover_done) KeyHandover h = test_handover(profile, generation, key, leaf);

        ASSERT(key_handover_send(p->keys, &h, deadline_after(TEST_USEC)) == 0);
}

void load_grant(RoleProcess *p, const MsgGrant *m) {
        _cleanup_(buf_done) Buf record = BUF_INIT(8192);

        ASSERT(msg_grant_encode(&record, m) == 0);
        peer_send(p->keys, buf_span(&record));
}

void load_binding(RoleProcess *p, const char *alias, const char *profile, const char *destination) {
        _cleanup_(buf_done) Buf record = BUF_INIT(8192);
        MsgBinding m = {.alias = span_from_string(alias), .profile = span_from_string(profile), .destination = span_from_string(destination)};

        ASSERT(msg_binding_encode(&record, &m) == 0);
        peer_send(p->keys, buf_span(&record));
}

void load_send_end(RoleProcess *p) {
        send_empty(p, ROLE_KEYS_END);
}

uint32_t load_end(RoleProcess *p) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        MsgKeysTaken taken;
        uint8_t type;
        Span body;

        load_send_end(p);
        peer_receive(p->keys, &record);
        ASSERT(msg_split(buf_span(&record), &type, &body) == 0 && type == ROLE_KEYS_TAKEN && msg_keys_taken_decode(body, &taken) == 0);
        ASSERT(taken.batch == batch);
        return taken.n_missing;
}

void load_simple(RoleProcess *p, uint64_t generation, EVP_PKEY *key, X509 *leaf) {
        MsgGrant grant = {
                .profile = SPAN_LITERAL("p"), .minimum_tls = TLS_VERSION_1_2, .generation = generation, .max_signatures_per_minute = 100000};

        load_begin(p);
        load_key(p, "p", generation, key, leaf);
        load_grant(p, &grant);
        load_binding(p, "crm", "p", "partner.example.com:443");
        ASSERT(load_end(p) == 0);
}

MsgVerdict test_verdict(uint64_t generation, uint16_t tls_version, uint16_t scheme, Span to_sign) {
        static uint64_t id = 41;

        return (MsgVerdict) {
                .request_id = ++id,
                .alias = SPAN_LITERAL("crm"),
                .generation = generation,
                .call_id = SPAN_LITERAL("call-1"),
                .tls_version = tls_version,
                .scheme = scheme,
                .deadline_usec = deadline_after(TEST_USEC),
                .destination = SPAN_LITERAL("partner.example.com:443"),
                .to_sign = to_sign,
        };
}

void test_transcript(Buf *ret) {
        static const uint8_t types[] = {1, 2, 11, 12, 13, 14, 11, 16};
        uint8_t random[32];
        WireWriter w;

        ASSERT(RAND_bytes(random, sizeof(random)) == 1);
        wire_writer_init(&w, ret);
        for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
                wire_put_u8(&w, types[i]);
                wire_put_vector(&w, 3, types[i] == 14 ? (Span) {} : span_make(random, sizeof(random)));
        }
        ASSERT(wire_writer_end(&w) == 0);
}

Span test_hash(size_t size) {
        static uint8_t hash[64];

        ASSERT(size <= sizeof(hash) && RAND_bytes(hash, (int) size) == 1);
        return span_make(hash, size);
}

void ask(RoleProcess *p, const MsgVerdict *m) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        ASSERT(msg_verdict_encode(&record, m) == 0);
        peer_send(p->verdicts, buf_span(&record));
}

static uint8_t ask_for(RoleProcess *p, const MsgVerdict *m, Buf *answer, Span *ret_body) {
        uint8_t type;

        ask(p, m);
        peer_receive(p->verdicts, answer);
        ASSERT(msg_split(buf_span(answer), &type, ret_body) == 0);
        return type;
}

Span ask_signature(RoleProcess *p, const MsgVerdict *m) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096);
        static uint8_t bytes[PROTO_SIGNATURE_MAX];
        MsgSignature signature;
        Span body;

        ASSERT(ask_for(p, m, &answer, &body) == MSG_SIGNATURE && msg_signature_decode(body, &signature) == 0);
        ASSERT(signature.request_id == m->request_id && signature.signature.size > 0);
        memcpy(bytes, signature.signature.data, signature.signature.size);
        return span_make(bytes, signature.signature.size);
}

RefusalCode ask_refusal(RoleProcess *p, const MsgVerdict *m) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(4096);
        MsgRefusal refusal;
        Span body;

        ASSERT(ask_for(p, m, &answer, &body) == MSG_REFUSAL && msg_refusal_decode(body, &refusal) == 0);
        ASSERT(refusal.request_id == m->request_id && refusal.sentence.size > 0);
        return refusal.code;
}
