/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-refusal.h"

static const char *const names[_REFUSAL_MAX] = {
        [REFUSAL_INTERNAL] = "internal",
        [REFUSAL_PROFILE_UNKNOWN] = "profile-unknown",
        [REFUSAL_PROFILE_NOT_FOR_ALIAS] = "profile-not-for-alias",
        [REFUSAL_GENERATION_GONE] = "generation-gone",
        [REFUSAL_KEY_EXPIRED] = "key-expired",
        [REFUSAL_RATE_LIMITED] = "rate-limited",
        [REFUSAL_TRANSCRIPT_MALFORMED] = "transcript-malformed",
        [REFUSAL_SEQUENCE] = "sequence",
        [REFUSAL_VERSION] = "version",
        [REFUSAL_RESUMPTION] = "resumption",
        [REFUSAL_POST_HANDSHAKE] = "post-handshake",
        [REFUSAL_CIPHER] = "cipher",
        [REFUSAL_SNI] = "sni",
        [REFUSAL_ALPN] = "alpn",
        [REFUSAL_SERVER_CERTIFICATE] = "server-certificate",
        [REFUSAL_SERVER_SIGNATURE] = "server-signature",
        [REFUSAL_CLIENT_CERTIFICATE] = "client-certificate",
        [REFUSAL_SCHEME] = "scheme",
        [REFUSAL_REPLAY] = "replay",
};

const char *refusal_code_to_string(unsigned code) {
        return code < _REFUSAL_MAX ? names[code] : names[REFUSAL_INTERNAL];
}

int msg_refusal_decode(Span body, MsgRefusal *ret) {
        WireReader r;
        MsgRefusal m = {};
        int k;

        wire_reader_init(&r, body);
        m.request_id = wire_get_u64(&r);
        m.code = wire_get_u8(&r);
        wire_reader_check(&r, m.code < _REFUSAL_MAX);
        m.sentence = wire_get_text(&r, 0, PROTO_TEXT_MAX);

        k = wire_reader_end(&r);
        if (k)
                return k;

        *ret = m;
        return 0;
}

int msg_refusal_encode(Buf *record, const MsgRefusal *m) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, MSG_REFUSAL);
        wire_put_u64(&w, m->request_id);
        wire_put_u8(&w, m->code);
        wire_put_text(&w, m->sentence);

        return wire_writer_end(&w);
}
