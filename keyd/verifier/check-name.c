/* SPDX-License-Identifier: Apache-2.0 */

/* sni, alpn */

#include "common/parse.h"
#include "keyd/verifier/check-internal.h"

static bool span_is_address(Span host) {
        char text[PROTO_HOST_MAX + 1];

        if (host.size == 0 || host.size >= sizeof(text))
                return false;

        memcpy(text, host.data, host.size);
        text[host.size] = '\0';
        return host_is_address(text);
}

int check_sni(Check *c) {
        Span host = c->policy->host;

        for (size_t i = 0; i < c->n_client_hellos; i++) {
                Span name = c->client_hellos[i].server_name;

                /* RFC 6066, 3: literal addresses are not permitted in HostName, so a client that connects to one sends nothing */
                if (!name.data && span_is_address(host))
                        continue;
                if (!name.data)
                        return refuse(c, REFUSAL_SNI, "the ClientHello has no server_name; it must name the connection's host \"%.*s\"",
                                      SPAN_ARG(host));
                if (!name_equal(name, host))
                        return refuse(c, REFUSAL_SNI, "the ClientHello names \"%.*s\" and not the connection's host \"%.*s\"", SPAN_ARG(name),
                                      SPAN_ARG(host));
        }
        return 0;
}

static bool protocol_is_allowed(Span protocol) {
        return span_is(protocol, "h2") || span_is(protocol, "http/1.1");
}

static bool is_offered(const ClientHello *h, Span protocol) {
        WireReader r;

        wire_reader_init(&r, h->alpn);
        while (wire_reader_more(&r))
                if (span_equal(wire_get_vector(&r, 1, 1, UINT8_MAX), protocol))
                        return true;
        return false;
}

static int check_offer(Check *c, const ClientHello *h) {
        WireReader r;

        wire_reader_init(&r, h->alpn);
        while (wire_reader_more(&r)) {
                Span protocol = wire_get_vector(&r, 1, 1, UINT8_MAX);

                if (!protocol_is_allowed(protocol))
                        return refuse(c, REFUSAL_ALPN, "the ClientHello offers protocol \"%.*s\"; only h2 and http/1.1 are allowed",
                                      SPAN_ARG(protocol));
        }
        return 0;
}

int check_alpn(Check *c) {
        Span selected = c->version == TLS_VERSION_1_3 ? c->encrypted_extensions.alpn : c->server_hello.alpn;

        for (size_t i = 0; i < c->n_client_hellos; i++) {
                int r = check_offer(c, &c->client_hellos[i]);

                if (r != 0)
                        return r;
        }

        /* RFC 7301, 3.2: the server selects one of those advertised by the client; these are all allowed */
        if (selected.data && !is_offered(check_client_hello(c), selected))
                return refuse(c, REFUSAL_ALPN, "the server chose protocol \"%.*s\", which was not offered", SPAN_ARG(selected));
        return 0;
}
