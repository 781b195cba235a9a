/* SPDX-License-Identifier: Apache-2.0 */

/* Every message's decoder, by the record's first byte; what is accepted is encoded again and has to be the same record. */

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
#include "tests/fuzz/fuzz.h"

#define DEFINE_RECODE(type, object)                                     \
        static int recode_##object(Span body, uint8_t t, Buf *record) { \
                type m;                                                 \
                int r = msg_##object##_decode(body, &m);                \
                                                                        \
                (void) t;                                               \
                return r != 0 ? r : msg_##object##_encode(record, &m);  \
        }

DEFINE_RECODE(MsgSign, sign)
DEFINE_RECODE(MsgSnapshot, snapshot)
DEFINE_RECODE(MsgProfile, profile)
DEFINE_RECODE(MsgConnection, connection)
DEFINE_RECODE(MsgSignature, signature)
DEFINE_RECODE(MsgRefusal, refusal)
DEFINE_RECODE(MsgCrl, crl)
DEFINE_RECODE(MsgReady, ready)
DEFINE_RECODE(MsgIdle, idle)
DEFINE_RECODE(MsgVerdict, verdict)
DEFINE_RECODE(MsgKeysBegin, keys_begin)
DEFINE_RECODE(MsgGrant, grant)
DEFINE_RECODE(MsgBinding, binding)
DEFINE_RECODE(MsgKeysTaken, keys_taken)
DEFINE_RECODE(MsgLoad, load)
DEFINE_RECODE(MsgFetcher, fetcher)
DEFINE_RECODE(MsgRetry, retry)
DEFINE_RECODE(MsgRefresh, refresh)
DEFINE_RECODE(MsgKeep, keep)
DEFINE_RECODE(MsgGeneration, generation)
DEFINE_RECODE(MsgProgress, progress)
DEFINE_RECODE(MsgQuarantine, quarantine)
DEFINE_RECODE(MsgLookup, lookup)
DEFINE_RECODE(MsgAnswer, answer)

static int recode_hello(Span body, uint8_t type, Buf *record) {
        MsgHello m;
        int r = msg_hello_decode(body, &m);

        return r != 0 ? r : msg_hello_encode(record, type, &m);
}

static int recode_empty(Span body, uint8_t type, Buf *record) {
        int r = msg_empty_decode(body);

        return r != 0 ? r : msg_empty_encode(record, type);
}

static int recode_certificates(Span body, uint8_t type, Buf *record) {
        MsgCertificates m;
        Span rest, der;
        int r = msg_certificates_decode(body, &m);

        (void) type;
        if (r != 0)
                return r;
        for (rest = m.certificates; msg_certificates_next(&rest, &der);)
                CHECK(der.size > 0 && der.data + der.size == rest.data);
        return msg_certificates_encode(record, &m);
}

static int (*const recoders[256])(Span body, uint8_t type, Buf *record) = {
        [MSG_HELLO] = recode_hello,
        [MSG_WATCH] = recode_empty,
        [MSG_SIGN] = recode_sign,
        [MSG_BYE] = recode_empty,
        [MSG_WELCOME] = recode_hello,
        [MSG_SNAPSHOT] = recode_snapshot,
        [MSG_CERTIFICATES] = recode_certificates,
        [MSG_PROFILE] = recode_profile,
        [MSG_CONNECTION] = recode_connection,
        [MSG_SNAPSHOT_END] = recode_empty,
        [MSG_SIGNATURE] = recode_signature,
        [MSG_REFUSAL] = recode_refusal,
        [ROLE_READY] = recode_ready,
        [ROLE_IDLE] = recode_idle,
        [ROLE_CRL] = recode_crl,
        [ROLE_VERDICT] = recode_verdict,
        [ROLE_KEYS_BEGIN] = recode_keys_begin,
        [ROLE_GRANT] = recode_grant,
        [ROLE_BINDING] = recode_binding,
        [ROLE_KEYS_TAKEN] = recode_keys_taken,
        [ROLE_LOAD] = recode_load,
        [ROLE_FETCHER] = recode_fetcher,
        [ROLE_RETRY] = recode_retry,
        [ROLE_REFRESH] = recode_refresh,
        [ROLE_KEEP] = recode_keep,
        [ROLE_GENERATION] = recode_generation,
        [ROLE_PROGRESS] = recode_progress,
        [ROLE_QUARANTINE] = recode_quarantine,
        [RESOLVE_LOOKUP] = recode_lookup,
        [RESOLVE_ANSWER] = recode_answer,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        uint8_t type;
        Span body;
        int r;

        if (size > PROTO_RECORD_MAX || msg_split(span_make(data, size), &type, &body) != 0 || !recoders[type])
                return 0;

        r = recoders[type](body, type, &record);
        CHECK(r == 0 || r == WIRE_E_MALFORMED);
        if (r == 0)
                CHECK(span_equal(buf_span(&record), span_make(data, size)));
        return 0;
}
