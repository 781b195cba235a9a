/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier-process/peer.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-snapshot.h"

/* the supervisor */

static Buf *new_record(TestSnapshot *t, bool for_calld) {
        ASSERT(t->n < TEST_RECORDS_MAX);

        t->records[t->n] = (Buf) BUF_INIT(PROTO_RECORD_MAX);
        t->for_calld[t->n] = for_calld;
        return &t->records[t->n++];
}

void test_snapshot_done(TestSnapshot *t) {
        for (size_t i = 0; i < t->n; i++)
                buf_done(&t->records[i]);
        t->n = 0;
}

void test_snapshot_begin(TestSnapshot *t, uint64_t revision) {
        ASSERT(msg_snapshot_encode(new_record(t, true), &(MsgSnapshot) {.revision = revision, .mid_name = SPAN_LITERAL("mid")}) == 0);
}

static void put_certificate(WireWriter *w, X509 *x) {
        _cleanup_(buf_done) Buf der = BUF_INIT(PROTO_CERTIFICATE_MAX);

        test_der(x, &der);
        wire_put_vector(w, 3, buf_span(&der));
}

/* In parts of five, of which only the last is marked. */
void test_snapshot_certificates(TestSnapshot *t, uint8_t set, X509 *const *certificates, size_t n) {
        for (size_t i = 0; i < n; i += 5) {
                _cleanup_(buf_done) Buf ders = BUF_INIT(PROTO_RECORD_MAX);
                MsgCertificates m = {.set_id = {set}, .last = i + 5 >= n};
                WireWriter w;

                wire_writer_init(&w, &ders);
                for (size_t j = i; j < n && j < i + 5; j++)
                        put_certificate(&w, certificates[j]);
                m.certificates = buf_span(&ders);
                ASSERT(wire_writer_end(&w) == 0 && msg_certificates_encode(new_record(t, true), &m) == 0);
        }
}

/* In two parts. */
void test_snapshot_crl(TestSnapshot *t, const char *profile, Span der) {
        MsgCrl m = {.profile = span_from_string(profile), .part = span_make(der.data, der.size / 2)};

        ASSERT(msg_crl_encode(new_record(t, false), &m) == 0);
        m.part = span_make(der.data + der.size / 2, der.size - der.size / 2);
        m.last = true;
        ASSERT(msg_crl_encode(new_record(t, false), &m) == 0);
}

void test_snapshot_profile(TestSnapshot *t, const char *name, uint64_t generation, ProtoState state, uint8_t set, X509 *leaf) {
        static const uint8_t pins[2][PROTO_PIN_SIZE] = {{1}, {2}};
        _cleanup_(buf_done) Buf chain = BUF_INIT(PROTO_CHAIN_BYTES_MAX);
        MsgProfile m = {
                .name = span_from_string(name),
                .generation = generation,
                .state = (uint8_t) state,
                .minimum_tls = TLS_VERSION_1_2,
                .ca_set = {set},
                .not_before = (uint64_t) time(NULL) - 100,
                .not_after = (uint64_t) time(NULL) + 100,
        };
        WireWriter w;

        ASSERT(text_list_add(&m.allowed_names, SPAN_LITERAL("also.example.com")) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(pins); i++)
                ASSERT(text_list_add(&m.pins, span_make(pins[i], PROTO_PIN_SIZE)) == 0);
        wire_writer_init(&w, &chain);
        if (leaf)
                put_certificate(&w, leaf);
        m.chain = buf_span(&chain);
        ASSERT(wire_writer_end(&w) == 0 && msg_profile_encode(new_record(t, true), &m) == 0);
}

void test_snapshot_connection(TestSnapshot *t, const char *alias, const char *profile, ProtoState state, const char *host, uint16_t port) {
        MsgConnection m = {
                .alias = span_from_string(alias),
                .profile = span_from_string(profile),
                .state = (uint8_t) state,
                .host = span_from_string(host),
                .port = port,
        };

        ASSERT(msg_connection_encode(new_record(t, true), &m) == 0);
}

void test_snapshot_end(TestSnapshot *t) {
        ASSERT(msg_empty_encode(new_record(t, true), MSG_SNAPSHOT_END) == 0);
}

void test_snapshot_send(const TestSnapshot *t, RoleProcess *p) {
        for (size_t i = 0; i < t->n; i++)
                peer_send(p->control, buf_span(&t->records[i]));
}

void test_snapshot_send_simple(RoleProcess *p, uint64_t revision, uint64_t generation) {
        _cleanup_(test_snapshot_done) TestSnapshot t = {};
        X509 *ca = test_ca();

        test_snapshot_begin(&t, revision);
        test_snapshot_certificates(&t, 1, &ca, 1);
        test_snapshot_profile(&t, "p", generation, PROTO_STATE_READY, 1, test_leaf());
        test_snapshot_connection(&t, "crm", "p", PROTO_STATE_READY, "partner.example.com", 443);
        test_snapshot_end(&t);
        test_snapshot_send(&t, p);
}

EVP_PKEY *test_ca_key(void) {
        static EVP_PKEY *key;

        if (!key)
                key = test_key("ec-p256");
        return key;
}

X509 *test_ca(void) {
        static X509 *ca;

        if (!ca)
                ca = test_certificate("CA", test_ca_key(), NULL, NULL, true);
        return ca;
}

X509 *test_leaf(void) {
        static X509 *leaf;

        if (!leaf)
                leaf = test_certificate("client", test_ca_key(), test_ca(), test_ca_key(), false);
        return leaf;
}

/* calld */

int calld_connect(RoleProcess *p) {
        _cleanup_(buf_done) Buf record = BUF_INIT(16);
        int pair[2];

        ASSERT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
        ASSERT(msg_empty_encode(&record, (MsgType) ROLE_CALLER) == 0);
        peer_send_fds(p->control, buf_span(&record), pair[1], 1);
        close(pair[1]);
        return pair[0];
}

int calld_hello(RoleProcess *p) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        int fd = calld_connect(p);

        ASSERT(msg_hello_encode(&record, MSG_HELLO, &(MsgHello) {.version = PROTO_VERSION}) == 0);
        peer_send(fd, buf_span(&record));
        peer_receive(fd, &record);
        ASSERT(record.size == 3 && record.data[0] == MSG_WELCOME);
        return fd;
}

int calld_watch(RoleProcess *p) {
        int fd = calld_hello(p);

        calld_send(fd, MSG_WATCH, (Span) {});
        return fd;
}

void calld_send(int fd, MsgType type, Span body) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX + 1);

        ASSERT(buf_append(&record, &(uint8_t) {(uint8_t) type}, 1) == 0 && buf_append(&record, body.data, body.size) == 0);
        peer_send(fd, buf_span(&record));
}

MsgSign test_sign(uint64_t request_id, char verb) {
        static uint8_t transcripts[256][64];
        uint8_t *transcript = transcripts[(uint8_t) verb];

        memcpy(transcript, "\x01\x00\x00\x3c", 4);
        transcript[4] = (uint8_t) verb;
        return (MsgSign) {
                .request_id = request_id,
                .alias = SPAN_LITERAL("crm"),
                .generation = 1,
                .call_id = SPAN_LITERAL("call-1"),
                .tls_version = TLS_VERSION_1_3,
                .scheme = TLS_SCHEME_ECDSA_SECP256R1_SHA256,
                .deadline_usec = deadline_after(TEST_USEC),
                .transcript = span_make(transcript, sizeof(transcripts[0])),
        };
}

void calld_sign(int fd, const MsgSign *m) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        ASSERT(msg_sign_encode(&record, m) == 0);
        peer_send(fd, buf_span(&record));
}

MsgRefusal calld_refusal(int fd, Buf *record) {
        MsgRefusal m;
        uint8_t type;
        Span body;

        peer_receive(fd, record);
        ASSERT(msg_split(buf_span(record), &type, &body) == 0 && type == MSG_REFUSAL && msg_refusal_decode(body, &m) == 0);
        return m;
}

MsgSignature calld_signature(int fd, Buf *record) {
        MsgSignature m;
        uint8_t type;
        Span body;

        peer_receive(fd, record);
        ASSERT(msg_split(buf_span(record), &type, &body) == 0 && type == MSG_SIGNATURE && msg_signature_decode(body, &m) == 0);
        return m;
}

void calld_expect_snapshot(int fd, const TestSnapshot *t) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        for (size_t i = 0; i < t->n; i++) {
                if (!t->for_calld[i])
                        continue;
                peer_receive(fd, &record);
                ASSERT(span_equal(buf_span(&record), buf_span(&t->records[i])));
        }
}

/* the signer */

MsgVerdict signer_verdict(RoleProcess *p, Buf *record) {
        MsgVerdict m;
        uint8_t type;
        Span body;

        peer_receive(p->verdicts, record);
        ASSERT(msg_split(buf_span(record), &type, &body) == 0 && type == ROLE_VERDICT && msg_verdict_decode(body, &m) == 0);
        return m;
}

void signer_sign(RoleProcess *p, uint64_t id) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        char signature[32];

        snprintf(signature, sizeof(signature), "signature %llu", (unsigned long long) id);
        ASSERT(msg_signature_encode(&record, &(MsgSignature) {.request_id = id, .signature = span_from_string(signature)}) == 0);
        peer_send(p->verdicts, buf_span(&record));
}

void signer_refuse(RoleProcess *p, uint64_t id, RefusalCode code) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        MsgRefusal m = {.request_id = id, .code = (uint8_t) code, .sentence = SPAN_LITERAL("the signer says so")};

        ASSERT(msg_refusal_encode(&record, &m) == 0);
        peer_send(p->verdicts, buf_span(&record));
}
