/* SPDX-License-Identifier: Apache-2.0 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "calld/call/address.h"
#include "common/parse.h"

/* An IPv4 address is compared as the IPv6 address that maps it (RFC 4291, 2.5.5.2). */
typedef struct Prefix {
        uint8_t bytes[16];
        unsigned bits;
} Prefix;

typedef struct NamedPrefix {
        const char *name;
        const char *cidr;
} NamedPrefix;

static const NamedPrefix named_prefixes[] = {
        /* RFC 1122, 3.2.1.3; RFC 4291, 2.5.3; to the unspecified address Linux connects as to itself */
        {"loopback", "127.0.0.0/8"},
        {"loopback", "0.0.0.0/8"},
        {"loopback", "::1/128"},
        {"loopback", "::/128"},
        /* RFC 1918, 3 */
        {"private", "10.0.0.0/8"},
        {"private", "172.16.0.0/12"},
        {"private", "192.168.0.0/16"},
        /* RFC 6598, 7; RFC 4193, 3.1 */
        {"private", "100.64.0.0/10"},
        {"private", "fc00::/7"},
        /* RFC 3927, 2.1; RFC 4291, 2.5.6 */
        {"link-local", "169.254.0.0/16"},
        {"link-local", "fe80::/10"},
};

static bool address_parse(const char *text, uint8_t ret[16], unsigned *ret_bits) {
        static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        if (inet_pton(AF_INET6, text, ret) == 1) {
                *ret_bits = 128;
                return true;
        }

        memcpy(ret, mapped, sizeof(mapped));
        *ret_bits = 32;
        return inet_pton(AF_INET, text, ret + sizeof(mapped)) == 1;
}

/* ADDRESS/BITS, or an address alone */
static bool prefix_parse(Span text, Prefix *ret) {
        char copy[64];
        unsigned family_bits;
        uint64_t bits;
        char *slash;

        if (text.size >= sizeof(copy))
                return false;
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';

        slash = strchr(copy, '/');
        if (slash)
                *slash++ = '\0';
        if (!address_parse(copy, ret->bytes, &family_bits))
                return false;

        bits = family_bits;
        if (slash && parse_uint(slash, 0, family_bits, &bits) < 0)
                return false;
        ret->bits = (unsigned) bits + 128 - family_bits;
        return true;
}

static bool prefix_holds(const Prefix *p, const uint8_t address[16]) {
        unsigned whole = p->bits / 8, rest = p->bits % 8;
        uint8_t mask = (uint8_t) (0xff << (8 - rest));

        if (memcmp(p->bytes, address, whole) != 0)
                return false;
        return rest == 0 || ((p->bytes[whole] ^ address[whole]) & mask) == 0;
}

static bool address_bytes(const struct sockaddr *address, uint8_t ret[16]) {
        static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

        if (address->sa_family == AF_INET) {
                memcpy(ret, mapped, sizeof(mapped));
                memcpy(ret + sizeof(mapped), &((const struct sockaddr_in *) address)->sin_addr, 4);
                return true;
        }
        if (address->sa_family == AF_INET6) {
                memcpy(ret, &((const struct sockaddr_in6 *) address)->sin6_addr, 16);
                return true;
        }
        return false;
}

static bool entry_forbids(Span entry, const uint8_t address[16]) {
        bool is_name = false;
        Prefix p;

        for (size_t i = 0; i < ARRAY_SIZE(named_prefixes); i++) {
                if (!span_is(entry, named_prefixes[i].name))
                        continue;
                is_name = true;
                if (!prefix_parse(span_from_string(named_prefixes[i].cidr), &p) || prefix_holds(&p, address))
                        return true;
        }
        return !is_name && (!prefix_parse(entry, &p) || prefix_holds(&p, address));
}

static const Span *find_denied(const uint8_t address[16], const TextList *deny) {
        for (size_t i = 0; i < deny->n_items; i++)
                if (entry_forbids(deny->items[i], address))
                        return &deny->items[i];
        return NULL;
}

const Span *address_find_denied(const struct sockaddr *address, const TextList *deny) {
        uint8_t bytes[16];

        return address_bytes(address, bytes) ? find_denied(bytes, deny) : NULL;
}

const Span *address_find_denied_text(Span text, const TextList *deny) {
        char copy[INET6_ADDRSTRLEN];
        uint8_t bytes[16];
        unsigned bits;

        if (text.size >= sizeof(copy))
                return NULL;
        memcpy(copy, text.data, text.size);
        copy[text.size] = '\0';
        return address_parse(copy, bytes, &bits) ? find_denied(bytes, deny) : NULL;
}

void address_to_string(const struct sockaddr *address, char *ret, size_t size) {
        const void *bytes = NULL;

        if (address->sa_family == AF_INET)
                bytes = &((const struct sockaddr_in *) address)->sin_addr;
        else if (address->sa_family == AF_INET6)
                bytes = &((const struct sockaddr_in6 *) address)->sin6_addr;

        if (!bytes || !inet_ntop(address->sa_family, bytes, ret, (socklen_t) size))
                ret[0] = '\0';
}
