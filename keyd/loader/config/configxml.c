/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Walked with the pull reader: no tree of a hostile document is ever built.
 */

#include "keyd/loader/config/configxml.h"

#include <libxml/xmlreader.h>
#include <string.h>

#define DEPTH_MAX 16
#define PARAMETERS_MAX 4096U
#define PREFIX "mid.httpclient.protocol."

static void free_text(char *s) {
        if (s)
                explicit_bzero(s, strlen(s));
        free(s);
}

/* clang-format off */
static const struct {
        const char *name;
        size_t offset;
} cyberark_parameters[] = {
        {"ext.cred.use_cyberark",           offsetof(XmlCyberArk, use)},
        {"ext.cred.ccp_endpoint",           offsetof(XmlCyberArk, endpoint)},
        {"ext.cred.app_id",                 offsetof(XmlCyberArk, app_id)},
        {"ext.cred.safe_name",              offsetof(XmlCyberArk, safe)},
        {"ext.cred.safe_folder",            offsetof(XmlCyberArk, folder)},
        {"ext.cred.timeout",                offsetof(XmlCyberArk, timeout)},
        {"ext.cred.safe_timeout",           offsetof(XmlCyberArk, safe_timeout)},
        {"ext.cred.cyberark.cert_path",     offsetof(XmlCyberArk, cert_path)},
        {"ext.cred.cyberark.cert_password", offsetof(XmlCyberArk, cert_password)},
        {"ext.cred.verify_ssl",             offsetof(XmlCyberArk, verify_ssl)},
        {"ext.cred.check_revocation",       offsetof(XmlCyberArk, check_revocation)},
};
/* clang-format on */

static char **cyberark_target(XmlCyberArk *x, size_t i) {
        return (char **) (void *) ((char *) x + cyberark_parameters[i].offset);
}

ConfigXml *configxml_free(ConfigXml *x) {
        if (!x)
                return NULL;

        for (size_t i = 0; i < x->n_protocols; i++) {
                free(x->protocols[i].name);
                free(x->protocols[i].path);
                free(x->protocols[i].port);
                free_text(x->protocols[i].password);
        }
        free(x->protocols);
        free(x->mid_name);
        for (size_t i = 0; i < ARRAY_SIZE(cyberark_parameters); i++)
                free_text(*cyberark_target(&x->cyberark, i));
        free(x);
        return NULL;
}

const XmlProtocol *configxml_find(const ConfigXml *x, const char *name) {
        for (size_t i = 0; x && i < x->n_protocols; i++)
                if (strcmp(x->protocols[i].name, name) == 0)
                        return &x->protocols[i];

        return NULL;
}

typedef struct Parser {
        xmlTextReader *reader;
        const char *file;
        ConfigXml *x;
        Problems *problems;
        size_t n_parameters;
        bool failed; /* told already */
} Parser;

static unsigned line_of(const Parser *p) {
        int line = xmlTextReaderGetParserLineNumber(p->reader);

        return line > 0 ? (unsigned) line : 0;
}

static void on_error(void *arg, const char *message, xmlParserSeverities severity, xmlTextReaderLocatorPtr locator) {
        Parser *p = arg;
        int size = (int) strcspn(message, "\n");

        if (p->failed || severity == XML_PARSER_SEVERITY_VALIDITY_WARNING || severity == XML_PARSER_SEVERITY_WARNING)
                return;

        p->failed = true;
        ignore_result(problems_add(p->problems, p->file, (unsigned) MAX_OF(xmlTextReaderLocatorLineNumber(locator), 0), false,
                                   "the file must be well-formed XML", "%.*s", size, message),
                      "the document is refused all the same");
}

/* The protocol's entry, made when it is new. */
static XmlProtocol *get_protocol(Parser *p, const char *name, size_t size) {
        XmlProtocol *list;

        for (size_t i = 0; i < p->x->n_protocols; i++)
                if (strlen(p->x->protocols[i].name) == size && strncmp(p->x->protocols[i].name, name, size) == 0)
                        return &p->x->protocols[i];

        list = calloc(p->x->n_protocols + 1, sizeof(*list));
        if (!list)
                return NULL;
        if (p->x->n_protocols > 0)
                memcpy(list, p->x->protocols, p->x->n_protocols * sizeof(*list));
        free(p->x->protocols);
        p->x->protocols = list;

        list += p->x->n_protocols;
        list->name = strndup(name, size);
        if (!list->name)
                return NULL;
        list->line = line_of(p);
        p->x->n_protocols++;
        return list;
}

static int set_once(Parser *p, char **target, const char *name, const char *value) {
        if (*target)
                return problems_add(p->problems, p->file, line_of(p), false, "keep one of the two", "parameter %s stands twice", name);

        *target = strdup(value);
        return *target ? 0 : -ENOMEM;
}

static int take_protocol_parameter(Parser *p, const char *name, const char *value) {
        const char *protocol = name + strlen(PREFIX);
        const char *dot = strrchr(protocol, '.');
        XmlProtocol *x;

        if (!dot || dot == protocol)
                return 0;
        if (strcmp(dot, ".path") != 0 && strcmp(dot, ".port") != 0 && strcmp(dot, ".password") != 0)
                return 0;

        x = get_protocol(p, protocol, (size_t) (dot - protocol));
        if (!x)
                return -ENOMEM;
        if (strcmp(dot, ".path") == 0)
                return set_once(p, &x->path, name, value);
        if (strcmp(dot, ".port") == 0)
                return set_once(p, &x->port, name, value);

        return set_once(p, &x->password, name, value);
}

static void free_xmlp(xmlChar **s) {
        free_text((char *) *s);
}

static int take_parameter(Parser *p) {
        _cleanup_(free_xmlp) xmlChar *name = NULL, *value = NULL;

        if (++p->n_parameters > PARAMETERS_MAX) {
                p->failed = true;
                return problems_add(p->problems, p->file, line_of(p), false, "4096 at most", "too many parameters");
        }

        name = xmlTextReaderGetAttribute(p->reader, (const xmlChar *) "name");
        value = xmlTextReaderGetAttribute(p->reader, (const xmlChar *) "value");
        if (!name || !value)
                return 0;

        if (strcmp((char *) name, "name") == 0)
                return set_once(p, &p->x->mid_name, "name", (char *) value);
        if (strncmp((char *) name, PREFIX, strlen(PREFIX)) == 0)
                return take_protocol_parameter(p, (char *) name, (char *) value);

        for (size_t i = 0; i < ARRAY_SIZE(cyberark_parameters); i++)
                if (strcmp((char *) name, cyberark_parameters[i].name) == 0) {
                        p->x->cyberark.line = line_of(p);
                        return set_once(p, cyberark_target(&p->x->cyberark, i), (char *) name, (char *) value);
                }

        return 0;
}

static int refuse(Parser *p, const char *what, const char *remedy) {
        p->failed = true;
        return problems_add(p->problems, p->file, line_of(p), false, remedy, "%s", what);
}

static int take_node(Parser *p) {
        int type = xmlTextReaderNodeType(p->reader), depth = xmlTextReaderDepth(p->reader);
        const xmlChar *name = xmlTextReaderConstName(p->reader);

        if (type == XML_READER_TYPE_DOCUMENT_TYPE)
                return refuse(p, "a DOCTYPE is not taken", "remove it: a MID's config.xml has none");
        if (type == XML_READER_TYPE_ENTITY_REFERENCE)
                return refuse(p, "an entity is not taken", "write &amp; &lt; &gt; &quot; &apos; or a character reference");
        if (depth > DEPTH_MAX)
                return refuse(p, "elements are nested too deeply", "a MID's config.xml has two levels");
        if (type != XML_READER_TYPE_ELEMENT)
                return 0;
        if (depth == 0 && xmlStrcmp(name, (const xmlChar *) "parameters") != 0)
                return refuse(p, "the root element is not <parameters>", "name the config.xml of a MID Server");
        if (depth == 1 && xmlStrcmp(name, (const xmlChar *) "parameter") == 0)
                return take_parameter(p);

        return 0;
}

static void free_readerp(xmlTextReader **r) {
        if (*r)
                xmlFreeTextReader(*r);
}

int configxml_parse(const char *file, const Secret *text, ConfigXml **ret, Problems *problems) {
        _cleanup_(configxml_freep) ConfigXml *x = NULL;
        _cleanup_(free_readerp) xmlTextReader *reader = NULL;
        Parser p = {.file = file, .problems = problems};
        int r = 1, k;

        p.x = x = calloc(1, sizeof(*x));
        if (!x)
                return -ENOMEM;

        /* Without XML_PARSE_NOENT, DTDLOAD, XINCLUDE, HUGE or RECOVER */
        reader = xmlReaderForMemory((const char *) secret_data(text), (int) secret_size(text), NULL, NULL,
                                    XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_COMPACT);
        if (!reader)
                return -ENOMEM;
        p.reader = reader;
        xmlTextReaderSetErrorHandler(reader, on_error, &p);

        while (!p.failed && (r = xmlTextReaderRead(reader)) == 1) {
                k = take_node(&p);
                if (k < 0)
                        return k;
        }
        if (r < 0 && !p.failed) {
                k = refuse(&p, "the document ends in its middle", "the file must be well-formed XML");
                if (k < 0)
                        return k;
        }

        *ret = TAKE_PTR(x);
        return 0;
}
