/* SPDX-License-Identifier: Apache-2.0 */

/* transcript-malformed, sequence */

#include "keyd/verifier/check-internal.h"

static int malformed(Check *c, const char *what) {
        return refuse(c, REFUSAL_TRANSCRIPT_MALFORMED, "%s is malformed: a length is wrong, a value impossible, or bytes are left over", what);
}

static int decode_hellos(Check *c) {
        const Transcript *t = &c->transcript;

        c->n_client_hellos = t->second_client_hello ? 2 : 1;
        if (client_hello_decode(t->client_hello->body, &c->client_hellos[0]) != 0)
                return malformed(c, "the ClientHello");
        if (t->second_client_hello && client_hello_decode(t->second_client_hello->body, &c->client_hellos[1]) != 0)
                return malformed(c, "the second ClientHello");
        if (t->hello_retry_request && server_hello_decode(t->hello_retry_request->body, &c->hello_retry_request) != 0)
                return malformed(c, "the HelloRetryRequest");
        if (server_hello_decode(t->server_hello->body, &c->server_hello) != 0)
                return malformed(c, "the ServerHello");

        c->suite = cipher_suite_find(c->server_hello.cipher_suite, c->version);
        return 0;
}

static int decode_common(Check *c) {
        const Transcript *t = &c->transcript;

        if (certificate_list_decode(t->server_certificate->body, c->version, &c->server_certificates) != 0)
                return malformed(c, "the server's Certificate message");
        /* RFC 8446, 4.4.2: in the case of server authentication, this field SHALL be zero length */
        if (c->server_certificates.context.size > 0)
                return malformed(c, "the server's Certificate message");
        if (certificate_request_decode(t->certificate_request->body, c->version, &c->certificate_request) != 0)
                return malformed(c, "the CertificateRequest");
        if (certificate_list_decode(t->client_certificate->body, c->version, &c->client_certificates) != 0)
                return malformed(c, "the client's Certificate message");
        return 0;
}

/* RFC 8446, 4.4.4: verify_data is as long as the hash. Its content cannot be checked here: that takes the connection's secrets. */
static bool finished_has_size(const Check *c) {
        size_t size = c->transcript.server_finished->body.size;

        return c->suite ? size == c->suite->hash_size : size == 32 || size == 48;
}

static int decode_1_3(Check *c) {
        const Transcript *t = &c->transcript;

        if (encrypted_extensions_decode(t->encrypted_extensions->body, &c->encrypted_extensions) != 0)
                return malformed(c, "EncryptedExtensions");
        if (certificate_verify_decode(t->server_certificate_verify->body, &c->certificate_verify) != 0)
                return malformed(c, "the server's CertificateVerify");
        if (!finished_has_size(c))
                return malformed(c, "the server's Finished");
        return 0;
}

static int decode_1_2(Check *c) {
        const Transcript *t = &c->transcript;

        if (t->certificate_status && certificate_status_check(t->certificate_status->body) != 0)
                return malformed(c, "CertificateStatus");
        if (server_key_exchange_decode(t->server_key_exchange->body, &c->server_key_exchange) != 0)
                return malformed(c, "the ServerKeyExchange");
        if (t->server_hello_done->body.size > 0)
                return malformed(c, "ServerHelloDone");
        if (client_key_exchange_check(t->client_key_exchange->body) != 0)
                return malformed(c, "the ClientKeyExchange");
        return 0;
}

/* RFC 8446, 4.1.2: what a client may change in its second ClientHello */
static bool may_change(uint16_t extension) {
        return extension == EXTENSION_KEY_SHARE || extension == EXTENSION_EARLY_DATA || extension == EXTENSION_COOKIE ||
               extension == EXTENSION_PRE_SHARED_KEY || extension == EXTENSION_PADDING;
}

static bool extensions_within(const ExtensionList *a, const ExtensionList *b) {
        for (size_t i = 0; i < a->n_items; i++) {
                const Extension *other = extension_find(b, a->items[i].type);

                if (!may_change(a->items[i].type) && (!other || !span_equal(other->body, a->items[i].body)))
                        return false;
        }
        return true;
}

static bool is_same_client(const ClientHello *a, const ClientHello *b) {
        return a->legacy_version == b->legacy_version && span_equal(a->random, b->random) && span_equal(a->session_id, b->session_id) &&
               span_equal(a->cipher_suites, b->cipher_suites) && span_equal(a->compression_methods, b->compression_methods) &&
               extensions_within(&a->extensions, &b->extensions) && extensions_within(&b->extensions, &a->extensions);
}

/* RFC 8446, 4.2.2: the client MUST copy the contents of the extension received */
static bool cookie_is_copied(const Check *c) {
        const Extension *given = extension_find(&c->hello_retry_request.extensions, EXTENSION_COOKIE);
        const Extension *copied = extension_find(&c->client_hellos[1].extensions, EXTENSION_COOKIE);

        return given ? copied && span_equal(given->body, copied->body) : !copied;
}

static int check_retry(Check *c) {
        if (c->n_client_hellos < 2)
                return 0;

        if (!is_same_client(&c->client_hellos[0], &c->client_hellos[1]))
                return refuse(c, REFUSAL_SEQUENCE, "the second ClientHello differs from the first in more than HelloRetryRequest allows");
        if (!cookie_is_copied(c))
                return refuse(c, REFUSAL_SEQUENCE, "the second ClientHello does not bring back the HelloRetryRequest's cookie");
        /* RFC 8446, 4.1.4: the same cipher suite in HelloRetryRequest and ServerHello */
        if (c->hello_retry_request.cipher_suite != c->server_hello.cipher_suite)
                return refuse(c, REFUSAL_SEQUENCE, "HelloRetryRequest and ServerHello name different cipher suites");
        return 0;
}

int check_transcript(Check *c) {
        TranscriptFault f;
        int r;

        if (transcript_split(c->transcript.bytes, &c->transcript) != 0)
                return refuse(c, REFUSAL_TRANSCRIPT_MALFORMED, "the transcript is no row of whole TLS handshake messages of at most %u bytes",
                              PROTO_TRANSCRIPT_MAX);
        if (c->version != TLS_VERSION_1_2 && c->version != TLS_VERSION_1_3)
                return refuse(c, REFUSAL_VERSION, "protocol version 0x%04x is neither TLS 1.2 nor TLS 1.3", c->version);
        if (transcript_assign(&c->transcript, c->version, &f) != 0)
                return refuse(c, REFUSAL_SEQUENCE, "message %zu is %s where TLS 1.%d with a certificate of each side has %s", f.position, f.found,
                              c->version == TLS_VERSION_1_3 ? 3 : 2, f.expected);

        r = decode_hellos(c);
        if (r != 0)
                return r;
        r = decode_common(c);
        if (r != 0)
                return r;
        r = c->version == TLS_VERSION_1_3 ? decode_1_3(c) : decode_1_2(c);
        if (r != 0)
                return r;

        return check_retry(c);
}
