#pragma once

/* SPDX-License-Identifier: Apache-2.0 */

/* How soap.c and fault.c read XML */

#include <libxml/parser.h>

#include "calld/soap/soap.h"

#define SOAP_NAMESPACE_1_1 "http://schemas.xmlsoap.org/soap/envelope/"
#define SOAP_NAMESPACE_1_2 "http://www.w3.org/2003/05/soap-envelope"

typedef struct SoapReader SoapReader;

struct SoapReader {
        xmlParserCtxtPtr ctxt;
        unsigned depth;
        const char *refused; /* why it was stopped, NULL: not */

        void (*on_start)(SoapReader *r, const char *name, const char *uri); /* depth counts the element already */
        void (*on_end)(SoapReader *r);                                      /* depth counts it still */
        void (*on_text)(SoapReader *r, const char *text, size_t size);      /* may be NULL */
        void *userdata;
};

/* Return: 0, SOAP_E_INVALID with @ret_why, -ENOMEM */
int soap_read(SoapReader *r, Span body, char ret_why[SOAP_WHY_SIZE]) _must_check_;
