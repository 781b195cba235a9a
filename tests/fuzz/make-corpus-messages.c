/* SPDX-License-Identifier: Apache-2.0 */

/* Writes one record of each message into the folder that is named: where the fuzzer starts. */

#include <fcntl.h>

#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-grant.h"
#include "common/msg-hello.h"
#include "common/msg-keep.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-quarantine.h"
#include "common/msg-refusal.h"
#include "common/msg-resolve.h"
#include "common/msg-sign.h"
#include "common/msg-snapshot.h"
#include "common/msg-verdict.h"

#define CHAIN SPAN_LITERAL("\0\0\4leaf\0\0\6issuer")

static const char *folder;

/* @encoded is what the encoder returned. */
static void write_record(const char *name, Buf *record, int encoded) {
        _cleanup_free_ char *path = NULL;
        _cleanup_fd_ int fd = -1;

        ASSERT(encoded == 0);
        ASSERT(asprintf(&path, "%s/%s", folder, name) > 0);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        ASSERT(fd >= 0);
        ASSERT(write(fd, record->data, record->size) == (ssize_t) record->size);
        buf_clear(record);
}

static void add(TextList *list, Span item) {
        ASSERT(text_list_add(list, item) == 0);
}

static void write_profile(Buf *b) {
        static const uint8_t pin[PROTO_PIN_SIZE] = "pin";
        MsgProfile m = {
                .name = SPAN_LITERAL("bank"),
                .generation = 1,
                .minimum_tls = TLS_VERSION_1_2,
                .key_type = SPAN_LITERAL("ec-p256"),
                .not_after = 4102444800,
                .chain = CHAIN,
        };

        add(&m.allowed_names, SPAN_LITERAL("crm.example"));
        add(&m.pins, span_make(pin, sizeof(pin)));
        write_record("profile", b, msg_profile_encode(b, &m));
}

static void write_connection(Buf *b) {
        MsgConnection m = {
                .alias = SPAN_LITERAL("crm"),
                .profile = SPAN_LITERAL("bank"),
                .host = SPAN_LITERAL("crm.example"),
                .port = 443,
                .base_path = SPAN_LITERAL("/api"),
                .timeout_usec = 30 * USEC_PER_SEC,
                .retry_strategy = RETRY_FIXED,
        };

        add(&m.allow_users, SPAN_LITERAL("root"));
        add(&m.deny_addresses, SPAN_LITERAL("loopback"));
        add(&m.header_names, SPAN_LITERAL("X-A"));
        add(&m.header_values, SPAN_LITERAL("a"));
        add(&m.retry_status_codes, SPAN_LITERAL("503"));
        write_record("connection", b, msg_connection_encode(b, &m));
}

static void write_protocol(Buf *b) {
        write_record("hello", b, msg_hello_encode(b, MSG_HELLO, &(MsgHello) {.version = PROTO_VERSION}));
        write_record("watch", b, msg_empty_encode(b, MSG_WATCH));
        write_record("sign", b,
                     msg_sign_encode(b, &(MsgSign) {.request_id = 1,
                                                    .alias = SPAN_LITERAL("crm"),
                                                    .generation = 1,
                                                    .tls_version = TLS_VERSION_1_3,
                                                    .scheme = TLS_SCHEME_ED25519,
                                                    .transcript = SPAN_LITERAL("\1\0\0\0")}));
        write_record("snapshot", b, msg_snapshot_encode(b, &(MsgSnapshot) {.revision = 1, .mid_name = SPAN_LITERAL("mid"), .max_calls = 64}));
        write_record("certificates", b, msg_certificates_encode(b, &(MsgCertificates) {.last = true, .certificates = CHAIN}));
        write_record("signature", b, msg_signature_encode(b, &(MsgSignature) {.request_id = 1, .signature = SPAN_LITERAL("signature")}));
        write_record("refusal", b,
                     msg_refusal_encode(b, &(MsgRefusal) {.request_id = 1, .code = REFUSAL_SNI, .sentence = SPAN_LITERAL("another host")}));
}

static void write_roles(Buf *b) {
        static const uint8_t hash[32];

        write_record("verdict", b,
                     msg_verdict_encode(b, &(MsgVerdict) {.request_id = 1,
                                                          .alias = SPAN_LITERAL("crm"),
                                                          .tls_version = TLS_VERSION_1_3,
                                                          .destination = SPAN_LITERAL("crm.example:443"),
                                                          .to_sign = span_make(hash, sizeof(hash))}));
        write_record("keys-begin", b, msg_keys_begin_encode(b, &(MsgKeysBegin) {.batch = 1}));
        write_record("grant", b, msg_grant_encode(b, &(MsgGrant) {.profile = SPAN_LITERAL("bank"), .minimum_tls = TLS_VERSION_1_2, .generation = 1}));
        write_record("binding", b,
                     msg_binding_encode(
                             b, &(MsgBinding) {.alias = SPAN_LITERAL("crm"), .profile = SPAN_LITERAL("bank"), .destination = SPAN_LITERAL("h:1")}));
        write_record("keys-taken", b, msg_keys_taken_encode(b, &(MsgKeysTaken) {.n_missing = 1}));
        write_record("load", b, msg_load_encode(b, &(MsgLoad) {.revision = 1, .resend_keys = true}));
        write_record("fetcher", b, msg_fetcher_encode(b, &(MsgFetcher) {.store = ROLE_STORE_VAULT, .whole = true}));
        write_record("retry", b, msg_retry_encode(b, &(MsgRetry) {.after_sec = 7}));
        write_record("keep", b, msg_keep_encode(b, &(MsgKeep) {.profile = SPAN_LITERAL("bank"), .text = SPAN_LITERAL("DefaultPort=1\n")}));
        write_record("refresh", b, msg_refresh_encode(b, &(MsgRefresh) {.within_sec = 60}));
        write_record("generation", b, msg_generation_encode(b, &(MsgGeneration) {.profile = SPAN_LITERAL("bank"), .last = 1}));
        write_record("progress", b, msg_progress_encode(b, &(MsgProgress) {.profile = SPAN_LITERAL("bank")}));
        write_record("quarantine", b, msg_quarantine_encode(b, &(MsgQuarantine) {.profile = SPAN_LITERAL("bank"), .sentence = SPAN_LITERAL("why")}));
        write_record("crl", b, msg_crl_encode(b, &(MsgCrl) {.profile = SPAN_LITERAL("bank"), .last = true, .part = SPAN_LITERAL("crl")}));
        write_record("idle", b, msg_idle_encode(b, &(MsgIdle) {.n_callers = 7}));
        write_record("ready", b, msg_ready_encode(b, &(MsgReady) {.text = SPAN_LITERAL("confined")}));
}

static void write_names(Buf *b) {
        MsgAnswer a = {.id = 1, .n_addresses = 2, .addresses = {{.bytes = {127, 0, 0, 1}}, {.is_ipv6 = true, .bytes = {1}}}};

        write_record("lookup", b, msg_lookup_encode(b, &(MsgLookup) {.id = 1, .kind = RESOLVE_HOST, .name = SPAN_LITERAL("crm.example")}));
        write_record("answer", b, msg_answer_encode(b, &a));
}

int main(int argc, char **argv) {
        _cleanup_(buf_done) Buf b = BUF_INIT(PROTO_RECORD_MAX);

        if (argc != 2) {
                fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
                return 2;
        }
        folder = argv[1];

        write_protocol(&b);
        write_profile(&b);
        write_connection(&b);
        write_roles(&b);
        write_names(&b);
        return 0;
}
