/* SPDX-License-Identifier: Apache-2.0 */

/* What a failed handshake says about its reason */

#include "calld/call/alert.h"
#include "calld/call/call-internal.h"
#include "common/msg-refusal.h"

#define SPAN_ARGS(s) (int) (s).size, (const char *) (s).data

typedef struct VerifyRow {
        int error; /* X509_V_ERR_* */
        const char *what;
        const char *hint;
} VerifyRow;

static const char hint_ca[] =
        "Put the CA certificate that issued the far server's certificate into the file that CAFile= of the profile names; without "
        "CAFile= the system's CA bundle counts.";
static const char hint_chain[] = "The far server should send its intermediate certificates; else put the missing one into CAFile= of the profile.";
static const char hint_server[] = "The far server's operator has to replace the certificate.";

static const VerifyRow verify_rows[] = {
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "its issuer is not among the trusted CA certificates", hint_ca},
        {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "an issuer in its chain is missing", hint_chain},
        {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "its issuer is not among the trusted CA certificates", hint_ca},
        {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "it is self-signed and not among the trusted CA certificates", hint_ca},
        {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "its root is not among the trusted CA certificates", hint_ca},
        {X509_V_ERR_CERT_UNTRUSTED, "it is not trusted", hint_ca},
        {X509_V_ERR_CERT_HAS_EXPIRED, "a certificate of its chain has expired", hint_server},
        {X509_V_ERR_CERT_NOT_YET_VALID, "a certificate of its chain is not valid yet", "Check this host's clock, then the far server's certificate."},
        {X509_V_ERR_CERT_REVOKED, "it was revoked", hint_server},
        {X509_V_ERR_CERT_SIGNATURE_FAILURE, "a signature in its chain is wrong", hint_ca},
        {X509_V_ERR_INVALID_PURPOSE, "it may not be used by a TLS server (keyUsage or extendedKeyUsage)", hint_server},
        {X509_V_ERR_INVALID_CA, "an issuer in its chain is not a CA", hint_server},
        {X509_V_ERR_EE_KEY_TOO_SMALL, "its key is too small", hint_server},
        {X509_V_ERR_CA_KEY_TOO_SMALL, "the key of an issuer is too small", hint_server},
        {X509_V_ERR_CA_MD_TOO_WEAK, "it is signed with a weak digest", hint_server},
};

static void explain_name(Call *c, const Handshake *h) {
        call_error_set(
                &c->error, CALL_SERVER_CERTIFICATE,
                "Correct Host= of the connection, or name what the certificate has in AllowedNames= of the profile if that is the right server.",
                "the far server's certificate is not for %.*s; it names %s", SPAN_ARGS(c->connection->m.host),
                h->server_names[0] ? h->server_names : "no DNS name");
}

static void explain_certificate(Call *c, const Handshake *h) {
        const VerifyRow *row = NULL;

        if (h->name_mismatch) {
                explain_name(c, h);
                return;
        }
        if (h->pin_mismatch) {
                call_error_set(&c->error, CALL_SERVER_CERTIFICATE,
                               "Ask the far server's operator whether its key was replaced, then correct PinnedSPKI= of the profile.",
                               "the far server's key is none that PinnedSPKI= names (certificate %s)", h->server_subject);
                return;
        }

        for (size_t i = 0; i < ARRAY_SIZE(verify_rows); i++)
                if (verify_rows[i].error == h->verify_error)
                        row = &verify_rows[i];

        call_error_set(&c->error, CALL_SERVER_CERTIFICATE, row ? row->hint : NULL,
                       "the far server's certificate (%s, issued by %s) is not accepted: %s", h->server_subject, h->server_issuer,
                       row ? row->what : X509_verify_cert_error_string(h->verify_error));
}

/* keyd's own reason for refusing the server's certificate and kin is said with the rule's name. */
static void explain_signature(Call *c, const Handshake *h) {
        switch (h->failure) {
        case HANDSHAKE_FAILURE_REFUSED:
                call_error_set(&c->error, CALL_SIGNING_REFUSED, refusal_code_hint(h->refusal_code), "keyd refused to sign (%s): %s",
                               refusal_code_to_string(h->refusal_code), h->sentence);
                break;

        case HANDSHAKE_FAILURE_KEYD_UNAVAILABLE:
                call_error_set(&c->error, CALL_KEYD_UNAVAILABLE, NULL, "no signature for this connection: %s", h->sentence);
                break;

        case HANDSHAKE_FAILURE_INTERNAL:
                call_error_set(&c->error, CALL_INTERNAL, NULL, "no signature for this connection: %s", h->sentence);
                break;

        case HANDSHAKE_FAILURE_NONE:
        case HANDSHAKE_FAILURE_TRANSCRIPT:
        case HANDSHAKE_FAILURE_SCHEME:
        default:
                call_error_set(&c->error, CALL_TLS_FAILED, NULL, "no signature for this connection: %s", h->sentence);
                break;
        }
}

static void explain_rejection(Call *c, const Handshake *h) {
        const MsgProfile *p = &c->connection->profile->m;

        call_error_set(&c->error, CALL_CLIENT_CERTIFICATE_REJECTED, NULL,
                       "the far server refused the client certificate of profile %.*s with the TLS alert %s (%d)", SPAN_ARGS(p->name),
                       alert_to_string(h->alert_received), h->alert_received);
        c->error.alert = alert_to_string(h->alert_received);
        c->error.alert_id = h->alert_received;
}

/* Our Certificate message was empty: libssl found no signature algorithm that the server takes and our key can make. */
static void explain_empty(Call *c) {
        call_error_set(&c->error, CALL_TLS_FAILED, "Let the far server accept a signature algorithm of this key, or use a key of another type.",
                       "the far server accepts no signature that a key of type %.*s can make, so no client certificate was sent",
                       SPAN_ARGS(c->connection->profile->m.key_type));
}

static void explain_tls(Call *c, const Handshake *h) {
        if (h->alert_received == SSL_AD_PROTOCOL_VERSION || h->alert_sent == SSL_AD_PROTOCOL_VERSION)
                call_error_set(&c->error, CALL_TLS_FAILED, "Let the far server offer a newer TLS version, or lower MinimumTLS= of the profile.",
                               "the far server has no TLS version that the profile permits (at least %s)",
                               c->connection->profile->m.minimum_tls >= TLS_VERSION_1_3 ? "1.3" : "1.2");
        else if (h->alert_received != HANDSHAKE_ALERT_NONE)
                call_error_set(&c->error, CALL_TLS_FAILED, NULL, "the far server ended the handshake with the TLS alert %s (%d)",
                               alert_to_string(h->alert_received), h->alert_received);
        else if (!h->server_hello)
                call_error_set(&c->error, CALL_TLS_FAILED, "Check that Port= of the connection is the one where the far server speaks TLS.",
                               "the far server did not begin a TLS handshake: %s", c->curl_text);
        else
                call_error_set(&c->error, CALL_TLS_FAILED, NULL, "the TLS handshake failed: %s", c->curl_text);
}

bool call_explain_handshake(Call *c, CURLcode result) {
        const Handshake *h = c->handshake;
        bool ended = c->report.handshake_done;

        if (!h)
                return false;

        if (h->failure != HANDSHAKE_FAILURE_NONE && !c->report.reused)
                explain_signature(c, h);
        else if (h->verify_error != 0 && !ended)
                explain_certificate(c, h);
        else if (h->certificate_sent && alert_rejects_certificate(h->alert_received) && !c->head_done)
                explain_rejection(c, h);
        else if (h->certificate_empty && !c->head_done)
                explain_empty(c);
        else if (result == CURLE_SSL_CONNECT_ERROR || (!ended && result != CURLE_OPERATION_TIMEDOUT))
                explain_tls(c, h);
        else
                return false;
        return true;
}
