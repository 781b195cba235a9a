/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/soap/soap.h"

#include "calld/soap/soap-internal.h"

typedef struct VersionRow {
        const char *name, *uri, *head, *tail, *type;
} VersionRow;

static const VersionRow rows[] = {
        [SOAP_1_1] =
                {
                        .name = "1.1",
                        .uri = SOAP_NAMESPACE_1_1,
                        .head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                "<soap:Envelope xmlns:soap=\"" SOAP_NAMESPACE_1_1 "\">",
                        .tail = "</soap:Body></soap:Envelope>\n",
                        .type = "text/xml; charset=utf-8",
                },
        [SOAP_1_2] =
                {
                        .name = "1.2",
                        .uri = SOAP_NAMESPACE_1_2,
                        .head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                                "<soap:Envelope xmlns:soap=\"" SOAP_NAMESPACE_1_2 "\">",
                        .tail = "</soap:Body></soap:Envelope>\n",
                        .type = "application/soap+xml; charset=utf-8",
                },
};

SoapVersion soap_version_from_string(const char *s) {
        for (size_t i = SOAP_1_1; i < ARRAY_SIZE(rows); i++)
                if (strcmp(s, rows[i].name) == 0)
                        return (SoapVersion) i;
        return SOAP_NONE;
}

typedef struct Root {
        bool is_envelope; /* of any version */
        bool version_right;
        const char *uri; /* of the version wanted */
} Root;

static void on_root(SoapReader *r, const char *name, const char *uri) {
        Root *root = r->userdata;

        if (r->depth != 1)
                return;
        root->is_envelope = strcmp(name, "Envelope") == 0 && (strcmp(uri, SOAP_NAMESPACE_1_1) == 0 || strcmp(uri, SOAP_NAMESPACE_1_2) == 0);
        root->version_right = strcmp(uri, root->uri) == 0;
}

static Span skip(Span s, size_t n) {
        return span_make(s.data + n, s.size - n);
}

/* Byte order mark and XML declaration (XML 1.0, 2.8) cannot stand within an envelope. */
static Span without_declaration(Span body) {
        static const char mark[] = "\xef\xbb\xbf", begin[] = "<?xml", end[] = "?>";
        const uint8_t *p;

        if (body.size >= 3 && memcmp(body.data, mark, 3) == 0)
                body = skip(body, 3);
        if (body.size < 6 || memcmp(body.data, begin, 5) != 0 || !strchr(" \t\r\n", body.data[5]))
                return body;

        p = memmem(body.data, body.size, end, 2);
        return p ? skip(body, (size_t) (p - body.data) + 2) : body;
}

/* Content-Type will say so, and so does the envelope that is put around it: RFC 7303, 3.2 */
static bool is_utf8(Span body) {
        Span encoding = soap_declared_encoding(body);

        return span_is_nocase(encoding, "utf-8") || span_is_nocase(encoding, "us-ascii");
}

static int refuse(const char *what, char ret_why[SOAP_WHY_SIZE]) {
        snprintf(ret_why, SOAP_WHY_SIZE, "%s", what);
        return SOAP_E_INVALID;
}

static int put_envelope(const VersionRow *row, Span header, Span inner, Buf *ret) {
        int r;

        r = buf_append(ret, row->head, strlen(row->head));
        if (r == 0)
                r = buf_append(ret, header.data, header.size);
        if (r == 0)
                r = buf_append(ret, "<soap:Body>", strlen("<soap:Body>"));
        if (r == 0)
                r = buf_append(ret, inner.data, inner.size);
        if (r == 0)
                r = buf_append(ret, row->tail, strlen(row->tail));
        return r;
}

int soap_wrap(SoapVersion version, Span header, Span body, Buf *ret, char ret_why[SOAP_WHY_SIZE]) {
        const VersionRow *row = &rows[version];
        Root root = {.uri = row->uri};
        SoapReader reader = {.on_start = on_root, .userdata = &root};
        int r;

        if (body.size == 0)
                return put_envelope(row, header, body, ret);

        r = soap_read(&reader, body, ret_why);
        if (r != 0)
                return r;
        if (!is_utf8(body))
                return refuse("the body has to be UTF-8, as Content-Type will say", ret_why);
        if (root.is_envelope && header.size > 0)
                return refuse("the body is an envelope already, so that no header can be put into it: leave out Midtls-Soap-Addressing", ret_why);
        if (root.is_envelope)
                return root.version_right ? 0 : refuse("the body is an envelope of another SOAP version than Midtls-Soap says", ret_why);
        return put_envelope(row, header, without_declaration(body), ret);
}

int soap_fields(SoapVersion version, const char *action, char *ret_type, char *ret_action, size_t size) {
        const char *type = rows[version].type;
        int n, m = 0;

        ret_action[0] = '\0';
        if (version == SOAP_1_1) {
                /* SOAP 1.1, 6.1.1: the field is required, and quoted */
                n = snprintf(ret_type, size, "%s", type);
                m = snprintf(ret_action, size, "\"%s\"", action ? action : "");
        } else if (action)
                /* RFC 3902, 2: the parameter */
                n = snprintf(ret_type, size, "%s; action=\"%s\"", type, action);
        else
                n = snprintf(ret_type, size, "%s", type);
        return n < 0 || (size_t) n >= size || m < 0 || (size_t) m >= size ? -EMSGSIZE : 0;
}
