/* SPDX-License-Identifier: Apache-2.0 */

/* version, resumption, post-handshake, cipher */

#include "keyd/verifier/check-internal.h"

/* RFC 5746, 3.3: TLS_EMPTY_RENEGOTIATION_INFO_SCSV */
#define SUITE_EMPTY_RENEGOTIATION_INFO 0x00ff

/* RFC 8446, B.4; of TLS 1.2 those with ephemeral keys and AEAD: RFC 5289, 3.2 and RFC 7905, 2 */
static const CipherSuite suites[] = {
        {0x1301, TLS_VERSION_1_3, 32, false}, /* TLS_AES_128_GCM_SHA256 */
        {0x1302, TLS_VERSION_1_3, 48, false}, /* TLS_AES_256_GCM_SHA384 */
        {0x1303, TLS_VERSION_1_3, 32, false}, /* TLS_CHACHA20_POLY1305_SHA256 */
        {0xc02b, TLS_VERSION_1_2, 32, false}, /* TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 */
        {0xc02c, TLS_VERSION_1_2, 48, false}, /* TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 */
        {0xc02f, TLS_VERSION_1_2, 32, true},  /* TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 */
        {0xc030, TLS_VERSION_1_2, 48, true},  /* TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 */
        {0xcca8, TLS_VERSION_1_2, 32, true},  /* TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 */
        {0xcca9, TLS_VERSION_1_2, 32, false}, /* TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 */
};

const CipherSuite *cipher_suite_find(uint16_t code, uint16_t version) {
        for (size_t i = 0; i < ARRAY_SIZE(suites); i++)
                if (suites[i].code == code && suites[i].version == version)
                        return &suites[i];
        return NULL;
}

static bool hello_offers_1_3(const ClientHello *h) {
        return u16_list_has(h->supported_versions, TLS_VERSION_1_3);
}

/* RFC 8446, 4.1.3: a ServerHello for 1.3 says so in supported_versions, and returns the client's session id */
static int check_server_hello_1_3(Check *c, const ServerHello *h) {
        if (h->legacy_version != TLS_VERSION_1_2 || h->selected_version != TLS_VERSION_1_3)
                return refuse(c, REFUSAL_VERSION, "the server did not choose TLS 1.3, which the request names");
        if (!span_equal(h->session_id, c->client_hellos[0].session_id))
                return refuse(c, REFUSAL_VERSION, "the server does not return the session id as TLS 1.3 demands");
        return 0;
}

static int check_version_1_3(Check *c) {
        for (size_t i = 0; i < c->n_client_hellos; i++)
                if (c->client_hellos[i].legacy_version != TLS_VERSION_1_2 || !hello_offers_1_3(&c->client_hellos[i]))
                        return refuse(c, REFUSAL_VERSION, "the ClientHello does not offer TLS 1.3");

        if (c->n_client_hellos > 1) {
                int r = check_server_hello_1_3(c, &c->hello_retry_request);

                if (r != 0)
                        return r;
        }
        return check_server_hello_1_3(c, &c->server_hello);
}

/* RFC 8446, 4.1.3: the end of a random by which a server tells that it could do better */
static bool is_downgraded(const Check *c) {
        static const uint8_t below_1_3[8] = "DOWNGRD\x01", below_1_2[8] = "DOWNGRD";
        const uint8_t *end = c->server_hello.random.data + c->server_hello.random.size - 8;

        return memcmp(end, below_1_2, 8) == 0 || (hello_offers_1_3(&c->client_hellos[0]) && memcmp(end, below_1_3, 8) == 0);
}

static int check_version_1_2(Check *c) {
        const ClientHello *h = &c->client_hellos[0];

        if (h->legacy_version != TLS_VERSION_1_2 || (h->supported_versions.data && !u16_list_has(h->supported_versions, TLS_VERSION_1_2)))
                return refuse(c, REFUSAL_VERSION, "the ClientHello does not offer TLS 1.2");
        /* RFC 8446, 4.2.1: a server that negotiates a version before 1.3 MUST NOT send supported_versions */
        if (c->server_hello.legacy_version != TLS_VERSION_1_2 || extension_find(&c->server_hello.extensions, EXTENSION_SUPPORTED_VERSIONS))
                return refuse(c, REFUSAL_VERSION, "the server did not choose TLS 1.2, which the request names");
        if (is_downgraded(c))
                return refuse(c, REFUSAL_VERSION,
                              "the handshake was pushed down to TLS 1.2: the server's random says that it speaks more; look for a middlebox");
        return 0;
}

int check_version(Check *c) {
        if (c->version < c->policy->minimum_tls)
                return refuse(c, REFUSAL_VERSION, "the server speaks TLS 1.2 but the profile demands TLS 1.3; MinimumTLS=1.2 would allow it");

        return c->version == TLS_VERSION_1_3 ? check_version_1_3(c) : check_version_1_2(c);
}

static int check_resumption_1_3(Check *c) {
        /* RFC 8446, 4.2.11: with a chosen identity the server proves itself by an old secret, not by its certificate */
        if (extension_find(&c->server_hello.extensions, EXTENSION_PRE_SHARED_KEY))
                return refuse(c, REFUSAL_RESUMPTION, "the server resumed an earlier session, in which it does not prove itself");

        for (size_t i = 0; i < c->n_client_hellos; i++)
                if (extension_find(&c->client_hellos[i].extensions, EXTENSION_EARLY_DATA))
                        return refuse(c, REFUSAL_RESUMPTION, "the ClientHello announces early data, sent before the server has proved itself");
        if (extension_find(&c->encrypted_extensions.extensions, EXTENSION_EARLY_DATA))
                return refuse(c, REFUSAL_RESUMPTION, "the server takes early data, sent before it has proved itself");
        return 0;
}

int check_resumption(Check *c) {
        Span session_id = c->server_hello.session_id;

        if (c->version == TLS_VERSION_1_3)
                return check_resumption_1_3(c);

        /* RFC 5246, 7.4.1.3: the same session id indicates a resumed session */
        if (session_id.size > 0 && span_equal(session_id, c->client_hellos[0].session_id))
                return refuse(c, REFUSAL_RESUMPTION, "the server resumed an earlier session, in which it does not prove itself");
        return 0;
}

/* RFC 5746, 3.4: in a first handshake both sides say so, with nothing in renegotiated_connection */
static bool is_first_handshake(const Check *c) {
        const ClientHello *h = &c->client_hellos[0];
        bool client_says = h->renegotiated_connection.data || u16_list_has(h->cipher_suites, SUITE_EMPTY_RENEGOTIATION_INFO);

        return client_says && h->renegotiated_connection.size == 0 && c->server_hello.renegotiated_connection.data &&
               c->server_hello.renegotiated_connection.size == 0;
}

int check_post_handshake(Check *c) {
        /* RFC 8446, 4.3.2: the context SHALL be zero length unless used for post-handshake authentication */
        if (c->version == TLS_VERSION_1_3 && c->certificate_request.context.size > 0)
                return refuse(c, REFUSAL_POST_HANDSHAKE, "the server asks for the certificate after the handshake; it has to ask within it");
        if (c->version == TLS_VERSION_1_2 && !is_first_handshake(c))
                return refuse(c, REFUSAL_POST_HANDSHAKE,
                              "this is a renegotiation, or the server does not know RFC 5746; it has to ask in the first handshake");
        return 0;
}

/* RFC 7627, 5.3: without it a session's secrets are not bound to this server */
static int check_extended_master_secret(Check *c) {
        if (!extension_find(&c->client_hellos[0].extensions, EXTENSION_EXTENDED_MASTER_SECRET) ||
            !extension_find(&c->server_hello.extensions, EXTENSION_EXTENDED_MASTER_SECRET))
                return refuse(c, REFUSAL_CIPHER, "extended_master_secret was not negotiated; the server has to support RFC 7627 or TLS 1.3");
        return 0;
}

int check_cipher(Check *c) {
        static const Span no_compression = {(const uint8_t *) "\0", 1};

        if (!c->suite)
                return refuse(c, REFUSAL_CIPHER, "cipher suite 0x%04x is not allowed; the server has to take %s", c->server_hello.cipher_suite,
                              c->version == TLS_VERSION_1_3 ? "0x1301, 0x1302 or 0x1303" : "ECDHE with AES-GCM or ChaCha20-Poly1305");

        for (size_t i = 0; i < c->n_client_hellos; i++) {
                /* RFC 8446, 4.1.3: a client which receives a cipher suite that was not offered MUST abort */
                if (!u16_list_has(c->client_hellos[i].cipher_suites, c->suite->code))
                        return refuse(c, REFUSAL_CIPHER, "the server chose cipher suite 0x%04x, which the ClientHello does not offer",
                                      c->suite->code);
                /* RFC 8446, 4.1.2: exactly one byte, set to zero */
                if (!span_equal(c->client_hellos[i].compression_methods, no_compression))
                        return refuse(c, REFUSAL_CIPHER, "the ClientHello offers compression");
        }
        if (c->server_hello.compression_method != 0)
                return refuse(c, REFUSAL_CIPHER, "the server chose compression");

        return c->version == TLS_VERSION_1_2 ? check_extended_master_secret(c) : 0;
}
