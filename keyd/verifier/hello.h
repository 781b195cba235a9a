#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* ClientHello, ServerHello (HelloRetryRequest is one) and EncryptedExtensions; borrow the transcript */

#include "keyd/verifier/extension.h"

/* Data of a Span is NULL when its extension is absent. */
typedef struct ClientHello {
        uint16_t legacy_version;
        Span random, session_id, cipher_suites, compression_methods;
        ExtensionList extensions;

        Span server_name;          /* the one host_name */
        Span alpn;                 /* ProtocolName each */
        Span signature_algorithms; /* two bytes each, as the next ones */
        Span supported_versions;
        Span supported_groups;
        Span renegotiated_connection;
} ClientHello;

typedef struct ServerHello {
        uint16_t legacy_version;
        Span random, session_id;
        uint16_t cipher_suite;
        uint8_t compression_method;
        ExtensionList extensions;

        uint16_t selected_version; /* of supported_versions; 0: absent */
        Span alpn;                 /* the one ProtocolName, without its length */
        Span renegotiated_connection;
} ServerHello;

typedef struct EncryptedExtensions {
        ExtensionList extensions;
        Span alpn;
} EncryptedExtensions;

/* Return: 0 or WIRE_E_MALFORMED */
int client_hello_decode(Span body, ClientHello *ret) _must_check_;
int server_hello_decode(Span body, ServerHello *ret) _must_check_;
int encrypted_extensions_decode(Span body, EncryptedExtensions *ret) _must_check_;
