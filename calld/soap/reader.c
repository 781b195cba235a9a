/* SPDX-License-Identifier: Apache-2.0 */

#include <limits.h>

#include "calld/soap/soap-internal.h"

/* libxml2 takes sizes as int; pieces keep its own buffers small. */
#define PIECE_SIZE (64U * 1024)

static void stop(SoapReader *r, const char *why) {
        if (!r->refused)
                r->refused = why;
        xmlStopParser(r->ctxt);
}

static void on_dtd(void *userdata, const xmlChar *name, const xmlChar *external_id, const xmlChar *system_id) {
        (void) name;
        (void) external_id;
        (void) system_id;
        stop(userdata, "a document type declaration (DTD) is not taken");
}

static void on_start(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int n_namespaces, const xmlChar **namespaces,
                     int n_attributes, int n_defaulted, const xmlChar **attributes) {
        SoapReader *r = userdata;

        (void) prefix;
        (void) n_namespaces;
        (void) namespaces;
        (void) n_attributes;
        (void) n_defaulted;
        (void) attributes;
        if (++r->depth > SOAP_DEPTH_MAX)
                stop(r, "elements lie more than 256 deep");
        else if (r->on_start)
                r->on_start(r, (const char *) name, uri ? (const char *) uri : "");
}

static void on_end(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
        SoapReader *r = userdata;

        (void) name;
        (void) prefix;
        (void) uri;
        if (r->on_end)
                r->on_end(r);
        r->depth--;
}

static void on_text(void *userdata, const xmlChar *text, int size) {
        SoapReader *r = userdata;

        if (r->on_text && size > 0)
                r->on_text(r, (const char *) text, (size_t) size);
}

/* No getEntity: only the predefined entities exist. No handler that would fetch or build anything. */
static void make_handler(xmlSAXHandler *ret) {
        *ret = (xmlSAXHandler) {
                .initialized = XML_SAX2_MAGIC,
                .internalSubset = on_dtd,
                .startElementNs = on_start,
                .endElementNs = on_end,
                .characters = on_text,
                .cdataBlock = on_text,
        };
}

static int explain(SoapReader *r, char ret_why[SOAP_WHY_SIZE]) {
        const xmlError *e = xmlCtxtGetLastError(r->ctxt);

        if (r->refused)
                snprintf(ret_why, SOAP_WHY_SIZE, "%s", r->refused);
        else if (e && e->message)
                snprintf(ret_why, SOAP_WHY_SIZE, "not well-formed XML, line %d: %.*s", e->line, (int) strcspn(e->message, "\n"), e->message);
        else
                snprintf(ret_why, SOAP_WHY_SIZE, "not well-formed XML");
        return SOAP_E_INVALID;
}

int soap_read(SoapReader *r, Span body, char ret_why[SOAP_WHY_SIZE]) {
        bool good = true;
        xmlSAXHandler handler;
        int result;

        if (!soap_is_ascii_based(body)) {
                snprintf(ret_why, SOAP_WHY_SIZE, "an encoding that is not based on ASCII is not taken");
                return SOAP_E_INVALID;
        }
        if (soap_is_crowded(body)) {
                snprintf(ret_why, SOAP_WHY_SIZE, "an element has more than %u attributes", SOAP_ATTRIBUTES_MAX);
                return SOAP_E_INVALID;
        }

        make_handler(&handler);
        r->ctxt = xmlCreatePushParserCtxt(&handler, r, NULL, 0, NULL);
        if (!r->ctxt)
                return -ENOMEM;

        /* HUGE lifts the limit of 10 MB for a text; ours for the depth is below what it would be otherwise. */
        xmlCtxtUseOptions(r->ctxt, XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_HUGE);
        while (good && body.size > 0) {
                size_t n = MIN_OF(body.size, PIECE_SIZE);

                good = xmlParseChunk(r->ctxt, (const char *) body.data, (int) n, 0) == XML_ERR_OK && !r->refused;
                body = span_make(body.data + n, body.size - n);
        }
        if (good)
                good = xmlParseChunk(r->ctxt, NULL, 0, 1) == XML_ERR_OK && r->ctxt->wellFormed && r->ctxt->nsWellFormed && !r->refused;

        result = good ? 0 : explain(r, ret_why);
        xmlFreeParserCtxt(r->ctxt);
        r->ctxt = NULL;
        return result;
}
