/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/verifier/hello.h"

#define RANDOM_SIZE 32U
#define SESSION_ID_MAX 32U
#define NAME_TYPE_HOST_NAME 0

/* RFC 6066, 3: one name of type host_name, for no other type was ever defined */
static Span get_server_name(WireReader *r, const ExtensionList *extensions) {
        Span list = extension_get_vector(r, extensions, EXTENSION_SERVER_NAME, 2, 1, 1);
        WireReader names;
        Span name;

        if (!list.data)
                return (Span) {};

        wire_reader_init(&names, list);
        wire_reader_check(&names, wire_get_u8(&names) == NAME_TYPE_HOST_NAME);
        name = wire_get_vector(&names, 2, 1, UINT16_MAX);
        wire_reader_check(r, wire_reader_end(&names) == 0);
        return name;
}

/* RFC 7301, 3.1: protocol_name_list<2..2^16-1> of ProtocolName<1..2^8-1> */
static Span get_alpn_offer(WireReader *r, const ExtensionList *extensions) {
        Span list = extension_get_vector(r, extensions, EXTENSION_ALPN, 2, 2, 1);
        WireReader names;

        wire_reader_init(&names, list);
        while (wire_reader_more(&names))
                wire_get_vector(&names, 1, 1, UINT8_MAX);
        wire_reader_check(r, wire_reader_end(&names) == 0);
        return list;
}

/* RFC 7301, 3.1: the server's list MUST contain exactly one ProtocolName */
static Span get_alpn_selected(WireReader *r, const ExtensionList *extensions) {
        Span list = extension_get_vector(r, extensions, EXTENSION_ALPN, 2, 2, 1);
        WireReader names;
        Span name;

        if (!list.data)
                return (Span) {};

        wire_reader_init(&names, list);
        name = wire_get_vector(&names, 1, 1, UINT8_MAX);
        wire_reader_check(r, wire_reader_end(&names) == 0);
        return name;
}

/* RFC 7627, 5.1: the extension_data of extended_master_secret is empty */
static void check_extended_master_secret(WireReader *r, const ExtensionList *extensions) {
        const Extension *e = extension_find(extensions, EXTENSION_EXTENDED_MASTER_SECRET);

        wire_reader_check(r, !e || e->body.size == 0);
}

/* RFC 8446, 4.1.2 and RFC 5246, 7.4.1.2 */
int client_hello_decode(Span body, ClientHello *ret) {
        ExtensionList *l = &ret->extensions;
        WireReader r;

        wire_reader_init(&r, body);
        ret->legacy_version = wire_get_u16(&r);
        ret->random = wire_get_fixed(&r, RANDOM_SIZE);
        ret->session_id = wire_get_vector(&r, 1, 0, SESSION_ID_MAX);
        ret->cipher_suites = wire_get_vector(&r, 2, 2, UINT16_MAX - 1);
        ret->compression_methods = wire_get_vector(&r, 1, 1, UINT8_MAX);
        wire_reader_check(&r, ret->cipher_suites.size % 2 == 0);
        extension_list_get(&r, l);

        ret->server_name = get_server_name(&r, l);
        ret->alpn = get_alpn_offer(&r, l);
        ret->signature_algorithms = extension_get_vector(&r, l, EXTENSION_SIGNATURE_ALGORITHMS, 2, 2, 2);
        ret->supported_versions = extension_get_vector(&r, l, EXTENSION_SUPPORTED_VERSIONS, 1, 2, 2);
        ret->supported_groups = extension_get_vector(&r, l, EXTENSION_SUPPORTED_GROUPS, 2, 2, 2);
        ret->renegotiated_connection = extension_get_vector(&r, l, EXTENSION_RENEGOTIATION_INFO, 1, 0, 1);
        check_extended_master_secret(&r, l);

        return wire_reader_end(&r);
}

/* RFC 8446, 4.2.1: in ServerHello and HelloRetryRequest it is one number */
static uint16_t get_selected_version(WireReader *r, const ExtensionList *extensions) {
        const Extension *e = extension_find(extensions, EXTENSION_SUPPORTED_VERSIONS);
        WireReader body;
        uint16_t v;

        if (!e)
                return 0;

        wire_reader_init(&body, e->body);
        v = wire_get_u16(&body);
        wire_reader_check(r, wire_reader_end(&body) == 0);
        return v;
}

/* RFC 8446, 4.1.3 and RFC 5246, 7.4.1.3 */
int server_hello_decode(Span body, ServerHello *ret) {
        ExtensionList *l = &ret->extensions;
        WireReader r;

        wire_reader_init(&r, body);
        ret->legacy_version = wire_get_u16(&r);
        ret->random = wire_get_fixed(&r, RANDOM_SIZE);
        ret->session_id = wire_get_vector(&r, 1, 0, SESSION_ID_MAX);
        ret->cipher_suite = wire_get_u16(&r);
        ret->compression_method = wire_get_u8(&r);
        extension_list_get(&r, l);

        ret->selected_version = get_selected_version(&r, l);
        ret->alpn = get_alpn_selected(&r, l);
        ret->renegotiated_connection = extension_get_vector(&r, l, EXTENSION_RENEGOTIATION_INFO, 1, 0, 1);
        check_extended_master_secret(&r, l);

        return wire_reader_end(&r);
}

/* RFC 8446, 4.3.1 */
int encrypted_extensions_decode(Span body, EncryptedExtensions *ret) {
        WireReader r;

        wire_reader_init(&r, body);
        extension_list_get(&r, &ret->extensions);
        ret->alpn = get_alpn_selected(&r, &ret->extensions);

        return wire_reader_end(&r);
}
