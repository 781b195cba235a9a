/* SPDX-License-Identifier: Apache-2.0 */

#include <stdarg.h>
#include <string.h>

#include "calld/call/error.h"

/* RFC 9209, 2.3, for the third column */
static const CallCodeRow call_code_rows[_CALL_CODE_MAX] = {
        [CALL_OK] = {"ok", 200, "", "No error", ""},
        [CALL_ALIAS_UNKNOWN] = {"alias-unknown", 404, "destination_not_found", "No such connection",
                                "`midtls list` shows the connections; the name comes from the file ALIAS.connection."},
        [CALL_CALLER_DENIED] = {"caller-denied", 403, "http_request_denied", "The caller may not use this connection",
                                "AllowUsers=, AllowGroups=, AllowMethods= and AllowPaths= of the connection say who may call what."},
        [CALL_REQUEST_INVALID] = {"request-invalid", 400, "http_request_error", "The request cannot be passed on",
                                  "Correct the request; nothing was sent to the far server."},
        [CALL_REQUEST_TOO_LARGE] = {"request-too-large", 413, "http_request_error", "The request is too large",
                                    "Send less, or raise MaxRequestBytes= of the connection."},
        [CALL_OVERLOADED] = {"overloaded", 503, "connection_limit_reached", "Too many calls at once",
                             "Try again later, or raise MaxCalls= or MaxCallsPerUser= in midtls.conf."},
        [CALL_KEY_UNAVAILABLE] = {"key-unavailable", 503, "proxy_configuration_error", "The connection's key is not loaded",
                                  "`midtls show` of the connection and the journal of midtls-keyd say why the key was not loaded."},
        [CALL_KEY_EXPIRED] = {"key-expired", 503, "proxy_configuration_error", "The client certificate is not valid now",
                              "Renew the certificate, replace the keystore, then `midtls reload`."},
        [CALL_SIGNING_REFUSED] = {"signing-refused", 502, "proxy_internal_error", "keyd refused to sign",
                                  "`midtls log` shows keyd's record of the refusal with the same call id."},
        [CALL_KEYD_UNAVAILABLE] = {"keyd-unavailable", 503, "proxy_internal_error", "keyd does not answer",
                                   "Look at `systemctl status midtls-keyd.socket midtls-keyd.service`; calls work again as soon as it runs."},
        [CALL_DNS_FAILED] = {"dns-failed", 502, "dns_error", "The far server's name cannot be resolved",
                             "Check Host= of the connection and this host's DNS."},
        [CALL_ADDRESS_DENIED] = {"address-denied", 502, "destination_ip_prohibited", "The far server's address is not permitted",
                                 "Check what the name resolves to; DenyAddresses= of the connection says which addresses are refused."},
        [CALL_REQUEST_TIMEOUT] = {"request-timeout", 408, "http_request_error", "The request did not come in time",
                                  "Send the whole request header within HeaderTimeout= of midtls.conf."},
        [CALL_CONNECT_FAILED] = {"connect-failed", 502, "connection_refused", "The far server cannot be reached",
                                 "Check that the far server runs, that Host= and Port= are right and that no firewall is in between."},
        [CALL_SERVER_CERTIFICATE] = {"server-certificate", 502, "tls_certificate_error", "The far server's certificate is not accepted",
                                     "Check Host= of the connection and CAFile=, PinnedSPKI= and AllowedNames= of the profile."},
        [CALL_CLIENT_CERTIFICATE_REJECTED] = {"client-certificate-rejected", 502, "tls_alert_received", "The far server refused our certificate",
                                              "Ask the far server's operator whether this certificate and its issuer are registered; "
                                              "`midtls show` of the connection names it."},
        [CALL_TLS_FAILED] = {"tls-failed", 502, "tls_protocol_error", "The TLS handshake failed",
                             "Check that the far server speaks TLS at this port and offers TLS 1.2 with ECDHE and AEAD, or TLS 1.3."},
        [CALL_RESPONSE_INVALID] = {"response-invalid", 502, "http_protocol_error", "The far server's answer is malformed or cut off",
                                   "The far server has to be looked at; the call may or may not have had its effect there."},
        [CALL_RESPONSE_TOO_LARGE] = {"response-too-large", 502, "http_response_body_size", "The far server's answer is too large",
                                     "Ask for less, or raise MaxResponseBytes= of the connection."},
        [CALL_TIMEOUT] = {"timeout", 504, "http_response_timeout", "The far server did not answer in time",
                          "Raise Timeout= of the connection, or find out why the far server is slow; the call may have had its effect there."},
        [CALL_INTERNAL] = {"internal", 500, "proxy_internal_error", "midtls itself failed",
                           "The journal of midtls-calld says more; please report it if it happens again."},
};

const CallCodeRow *call_code_row(CallCode code) {
        ASSERT((unsigned) code < _CALL_CODE_MAX);
        return &call_code_rows[code];
}

/* vsnprintf() may have cut inside a UTF-8 character (RFC 3629, 3): drops what is left of it. */
static void cut_at_character(char *text, size_t size) {
        size_t n = strlen(text), start = n;

        if (n + 1 < size)
                return;

        while (start > 0 && n - start < 4 && ((uint8_t) text[start - 1] & 0xc0) == 0x80)
                start--;
        if (start == 0)
                return;

        uint8_t lead = (uint8_t) text[start - 1];
        size_t need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
        if (n - (start - 1) < need)
                text[start - 1] = '\0';
}

void call_error_set(CallError *e, CallCode code, const char *hint, const char *detail_format, ...) {
        va_list args;

        *e = (CallError) {.code = code, .alert_id = -1};

        va_start(args, detail_format);
        vsnprintf(e->detail, sizeof(e->detail), detail_format, args);
        va_end(args);
        cut_at_character(e->detail, sizeof(e->detail));

        if (hint)
                snprintf(e->hint, sizeof(e->hint), "%s", hint);
        cut_at_character(e->hint, sizeof(e->hint));
}
