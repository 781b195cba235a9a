/* SPDX-License-Identifier: Apache-2.0 */

/* WS-Addressing 1.0: the message addressing properties of a request as SOAP header blocks (WS-Addressing 1.0, Core, 3.2; SOAP Binding, 3) */

#include "calld/soap/soap.h"

#define NAMESPACE "http://www.w3.org/2005/08/addressing"

static int put_text(Buf *ret, const char *text) {
        return buf_append(ret, text, strlen(text));
}

/* XML 1.0, 2.4; RFC 3986, 2: what is no ASCII stands percent-encoded in a URI */
static int put_uri(Buf *ret, const char *uri) {
        int r = 0;

        for (const uint8_t *p = (const uint8_t *) uri; *p && r == 0; p++) {
                char encoded[8];

                if (*p == '&')
                        r = put_text(ret, "&amp;");
                else if (*p == '<')
                        r = put_text(ret, "&lt;");
                else if (*p == '>')
                        r = put_text(ret, "&gt;");
                else if (*p <= 0x20 || *p >= 0x7f) {
                        snprintf(encoded, sizeof(encoded), "%%%02X", *p);
                        r = put_text(ret, encoded);
                } else
                        r = buf_append(ret, p, 1);
        }
        return r;
}

static int put_block(Buf *ret, const char *name, const char *uri) {
        const char *const parts[] = {"<wsa:", name, " xmlns:wsa=\"" NAMESPACE "\">"}, *const ends[] = {"</wsa:", name, ">"};
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
                r = put_text(ret, parts[i]);
        if (r == 0)
                r = put_uri(ret, uri);
        for (size_t i = 0; i < ARRAY_SIZE(ends) && r == 0; i++)
                r = put_text(ret, ends[i]);
        return r;
}

int soap_addressing(const char *to, const char *action, const char *message_id, Buf *ret) {
        int r;

        r = put_text(ret, "<soap:Header>");
        if (r == 0)
                r = put_block(ret, "To", to);
        if (r == 0)
                r = put_block(ret, "Action", action);
        if (r == 0)
                r = put_block(ret, "MessageID", message_id);
        /* Core, 3.2: without it the answer would go there as well; said because some servers want to see it */
        if (r == 0)
                r = put_text(ret, "<wsa:ReplyTo xmlns:wsa=\"" NAMESPACE "\"><wsa:Address>" NAMESPACE "/anonymous</wsa:Address></wsa:ReplyTo>");
        return r == 0 ? put_text(ret, "</soap:Header>") : r;
}
