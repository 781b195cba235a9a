/* SPDX-License-Identifier: Apache-2.0 */

#include "common/msg-refusal.h"

typedef struct RefusalRow {
        const char *name;
        const char *hint;
} RefusalRow;

static const RefusalRow rows[_REFUSAL_MAX] = {
        [REFUSAL_INTERNAL] = {"internal", "Nothing is wrong with the call: try again. The journal of midtls-keyd says more."},
        [REFUSAL_PROFILE_UNKNOWN] = {"profile-unknown",
                                     "If the configuration was changed during the call: try again. Otherwise look at who talks to keyd's socket."},
        [REFUSAL_PROFILE_NOT_FOR_ALIAS] =
                {"profile-not-for-alias",
                 "If the configuration was changed during the call: try again. Otherwise look at who talks to keyd's socket."},
        [REFUSAL_GENERATION_GONE] = {"generation-gone", "The key was replaced during the call: try again."},
        [REFUSAL_KEY_EXPIRED] = {"key-expired", "Renew the certificate, replace the keystore, then `midtls reload`."},
        [REFUSAL_RATE_LIMITED] = {"rate-limited",
                                  "Try again in a minute, or raise MaxSignaturesPerMinute= of the profile; kept connections need no signature."},
        [REFUSAL_TRANSCRIPT_MALFORMED] = {"transcript-malformed",
                                          "The far server has to be looked at: its handshake is no whole TLS handshake, or larger than 160 KiB."},
        [REFUSAL_SEQUENCE] = {"sequence", "The far server has to be looked at: its handshake has messages that do not belong there."},
        [REFUSAL_VERSION] = {"version", "Let the far server offer a newer version of TLS, or lower MinimumTLS= of the profile."},
        [REFUSAL_RESUMPTION] =
                {"resumption",
                 "The far server resumed a session and asked for a certificate all the same: try SessionResumption=no of the connection."},
        [REFUSAL_POST_HANDSHAKE] = {"post-handshake",
                                    "Let the far server ask for the client certificate in the handshake, for the whole host and not for a path."},
        [REFUSAL_CIPHER] = {"cipher", "Let the far server offer TLS 1.3, or TLS 1.2 with ECDHE, an AEAD cipher and extended_master_secret."},
        [REFUSAL_SNI] = {"sni", "The name that was sent is not Host= of the connection: look at who talks to keyd's socket."},
        [REFUSAL_ALPN] = {"alpn", "Let the far server choose http/1.1 or h2, or nothing."},
        [REFUSAL_SERVER_CERTIFICATE] = {"server-certificate",
                                        "Check Host= of the connection and CAFile=, AllowedNames=, PinnedSPKI= and CRLFile= of the profile."},
        [REFUSAL_SERVER_SIGNATURE] = {"server-signature",
                                      "The far server did not prove that its certificate is its own: somebody may stand between. Ask its operator."},
        [REFUSAL_CLIENT_CERTIFICATE] = {"client-certificate",
                                        "If the key was replaced during the call: try again. Otherwise look at who talks to keyd's socket."},
        [REFUSAL_SCHEME] = {"scheme", "Let the far server accept a signature algorithm of this key, or use a key of another type."},
        [REFUSAL_REPLAY] = {"replay", "No handshake is signed twice: look at who talks to keyd's socket."},
};

static const RefusalRow *row_of(unsigned code) {
        return &rows[code < _REFUSAL_MAX ? code : REFUSAL_INTERNAL];
}

const char *refusal_code_to_string(unsigned code) {
        return row_of(code)->name;
}

const char *refusal_code_hint(unsigned code) {
        return row_of(code)->hint;
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
