/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/gateway/target.h"

#include "common/parse.h"

static Span span_from(Span s, size_t offset) {
        return span_make(s.data + offset, s.size - offset);
}

static size_t span_find(Span s, const char *any_of) {
        for (size_t i = 0; i < s.size; i++)
                if (s.data[i] != '\0' && strchr(any_of, s.data[i]))
                        return i;
        return s.size;
}

static int hex_value(uint8_t c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int target_next_byte(Span *rest) {
        const uint8_t *p = rest->data;
        size_t n = 1;
        int byte;

        if (rest->size == 0)
                return -1;

        byte = p[0];
        if (byte == '%' && rest->size >= 3 && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0) {
                byte = hex_value(p[1]) * 16 + hex_value(p[2]);
                n = 3;
        }
        *rest = span_from(*rest, n);
        return byte;
}

typedef enum Segment {
        SEGMENT_END,
        SEGMENT_EMPTY,
        SEGMENT_DOT,
        SEGMENT_DOT_DOT,
        SEGMENT_NAME,
} Segment;

/* Takes a segment and the separator behind it off @rest, which holds no query. */
static Segment next_segment(Span *rest) {
        size_t n_bytes = 0, n_dots = 0;
        bool parameters = false;
        int byte;

        if (rest->size == 0)
                return SEGMENT_END;

        while ((byte = target_next_byte(rest)) >= 0 && byte != '/' && byte != '\\') {
                if (byte == ';')
                        parameters = true;
                if (parameters)
                        continue;
                n_bytes++;
                n_dots += byte == '.';
        }

        if (n_bytes == 0)
                return SEGMENT_EMPTY;
        if (n_bytes != n_dots || n_dots > 2)
                return SEGMENT_NAME;
        return n_dots == 1 ? SEGMENT_DOT : SEGMENT_DOT_DOT;
}

Span target_path_only(Span path) {
        return span_make(path.data, span_find(path, "?"));
}

bool target_leaves_base(Span path) {
        Span rest = target_path_only(path);
        size_t depth = 0;
        Segment segment;

        while ((segment = next_segment(&rest)) != SEGMENT_END) {
                if (segment == SEGMENT_NAME)
                        depth++;
                if (segment == SEGMENT_DOT_DOT && depth-- == 0)
                        return true;
        }
        return false;
}

bool target_has_dot_segment(Span path) {
        Span rest = target_path_only(path);
        Segment segment;

        while ((segment = next_segment(&rest)) != SEGMENT_END)
                if (segment == SEGMENT_DOT || segment == SEGMENT_DOT_DOT)
                        return true;
        return false;
}

/* The authority of an alias: a client may say the port that http:// has anyway. */
static int take_alias(Span authority, Target *ret, const char **ret_why) {
        if (authority.size >= 3 && memcmp(authority.data + authority.size - 3, ":80", 3) == 0)
                authority.size -= 3;

        if (authority.size == 0 || span_find(authority, "@/ \t,") < authority.size) {
                *ret_why = "the Host field names no connection";
                return TARGET_E_INVALID;
        }

        ret->kind = span_is_nocase(authority, TARGET_RESERVED_AUTHORITY) ? TARGET_RESERVED : TARGET_ALIAS;
        ret->alias = authority;
        return 0;
}

/* host, host:port or [address]:port (RFC 3986, 3.2) */
static int take_host(Span authority, Target *ret, const char **ret_why) {
        size_t bracket = span_find(authority, "]");
        size_t from = bracket < authority.size ? bracket : 0;
        size_t colon = from + span_find(span_from(authority, from), ":");
        char port[6];

        *ret_why = "the URL's host or port is malformed";
        if (span_find(authority, "@ \t,") < authority.size || colon == 0)
                return TARGET_E_INVALID;

        ret->kind = TARGET_URL;
        ret->authority = authority;
        ret->host = span_make(authority.data, colon);
        if (colon == authority.size)
                return 0;

        Span digits = span_from(authority, colon + 1);

        if (digits.size >= sizeof(port))
                return TARGET_E_INVALID;
        memcpy(port, digits.data, digits.size);
        port[digits.size] = '\0';
        return digits.size == 0 || parse_port(port, &ret->port) == 0 ? 0 : TARGET_E_INVALID;
}

/* Return: the number of bytes in front of "://", 0 when it is no absolute form (RFC 3986, 3.1) */
static size_t scheme_size(Span target) {
        size_t n = span_find(target, ":/?#");

        return n > 0 && target.size - n >= 3 && memcmp(target.data + n, "://", 3) == 0 ? n : 0;
}

/* RFC 9112, 3.2.2: with the absolute form, Host does not count */
static int take_absolute(Span target, size_t size, Target *ret, const char **ret_why) {
        Span authority = span_from(target, size + 3);
        size_t end = span_find(authority, "/?");

        ret->scheme = span_make(target.data, size);
        ret->path = span_from(authority, end);
        authority.size = end;
        return span_is_nocase(ret->scheme, "http") ? take_alias(authority, ret, ret_why) : take_host(authority, ret, ret_why);
}

/* RFC 3986, 2: these bytes stand in no URL, RFC 9112, 3.2: and no fragment in a request target */
static bool has_bad_byte(Span target) {
        for (size_t i = 0; i < target.size; i++)
                if (target.data[i] <= 0x20 || target.data[i] == 0x7f || target.data[i] == '#')
                        return true;
        return false;
}

int target_parse(Span target, Span host, Target *ret, const char **ret_why) {
        Target t = {};
        size_t size;
        int r;

        if (target.size == 0 || has_bad_byte(target)) {
                *ret_why = "the request target is empty, or holds a blank, a control character or a \"#\"";
                return TARGET_E_INVALID;
        }

        size = scheme_size(target);
        if (size > 0)
                r = take_absolute(target, size, &t, ret_why);
        else if (target.data[0] == '/') {
                t.path = target;
                r = take_alias(host, &t, ret_why);
        } else {
                *ret_why = "the request target is neither a path nor an absolute URL";
                r = TARGET_E_INVALID;
        }
        if (r != 0)
                return r;

        if (target_leaves_base(t.path)) {
                *ret_why = "the path leaves the connection's base path";
                return TARGET_E_INVALID;
        }
        *ret = t;
        return 0;
}
