/* SPDX-License-Identifier: Apache-2.0 */

#include "calld/soap/soap-internal.h"

#define TEXT_SIZE 1024U

typedef struct Text {
        char bytes[TEXT_SIZE];
        size_t size;
        bool done; /* only the first counts */
} Text;

/* Where the reader is: the names of the first levels, as far as they are on the way to a Fault. */
typedef enum Place {
        PLACE_NONE,
        PLACE_ENVELOPE, /* depth 1 */
        PLACE_BODY,     /* depth 2 */
        PLACE_FAULT,    /* depth 3 */
        PLACE_CODE,     /* 1.1: faultcode; 1.2: Code (depth 4) */
        PLACE_REASON,   /* 1.1: faultstring; 1.2: Reason (depth 4) */
        PLACE_VALUE,    /* 1.2: Code/Value (depth 5) */
        PLACE_TEXT,     /* 1.2: Reason/Text (depth 5) */
} Place;

typedef struct Step {
        Place from, to;
        SoapVersion version;
        const char *name;
        bool qualified; /* in the envelope's namespace, else in none */
} Step;

static const Step steps[] = {
        {PLACE_NONE, PLACE_ENVELOPE, SOAP_NONE, "Envelope", true},   {PLACE_ENVELOPE, PLACE_BODY, SOAP_NONE, "Body", true},
        {PLACE_BODY, PLACE_FAULT, SOAP_NONE, "Fault", true},         {PLACE_FAULT, PLACE_CODE, SOAP_1_1, "faultcode", false}, /* SOAP 1.1, 4.4 */
        {PLACE_FAULT, PLACE_REASON, SOAP_1_1, "faultstring", false}, {PLACE_FAULT, PLACE_CODE, SOAP_1_2, "Code", true}, /* SOAP 1.2 part 1, 5.4 */
        {PLACE_FAULT, PLACE_REASON, SOAP_1_2, "Reason", true},       {PLACE_CODE, PLACE_VALUE, SOAP_1_2, "Value", true},
        {PLACE_REASON, PLACE_TEXT, SOAP_1_2, "Text", true},
};

typedef struct FaultReader {
        SoapVersion version;
        Place places[6]; /* by depth */
        bool found;
        Text code, reason;
} FaultReader;

static bool is_step(const FaultReader *f, const Step *s, Place from, const char *name, const char *uri) {
        const char *wanted = f->version == SOAP_1_2 ? SOAP_NAMESPACE_1_2 : SOAP_NAMESPACE_1_1;

        if (s->from != from || strcmp(s->name, name) != 0 || (s->version != SOAP_NONE && s->version != f->version))
                return false;
        return strcmp(uri, s->qualified ? wanted : "") == 0;
}

static void on_start(SoapReader *r, const char *name, const char *uri) {
        FaultReader *f = r->userdata;

        if (r->depth >= ARRAY_SIZE(f->places))
                return;
        if (r->depth == 1)
                f->version = strcmp(uri, SOAP_NAMESPACE_1_2) == 0 ? SOAP_1_2 : SOAP_1_1;

        f->places[r->depth] = PLACE_NONE;
        if (r->depth > 1 && f->places[r->depth - 1] == PLACE_NONE)
                return;
        for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
                if (is_step(f, &steps[i], f->places[r->depth - 1], name, uri))
                        f->places[r->depth] = steps[i].to;
        f->found |= f->places[r->depth] == PLACE_FAULT;
}

static Text *text_at(FaultReader *f, unsigned depth) {
        Place place = depth < ARRAY_SIZE(f->places) ? f->places[depth] : PLACE_NONE;

        if (place == PLACE_VALUE || (place == PLACE_CODE && f->version == SOAP_1_1))
                return &f->code;
        if (place == PLACE_TEXT || (place == PLACE_REASON && f->version == SOAP_1_1))
                return &f->reason;
        return NULL;
}

static void on_text(SoapReader *r, const char *text, size_t size) {
        Text *t = text_at(r->userdata, r->depth);
        size_t n;

        if (!t || t->done)
                return;
        n = MIN_OF(size, sizeof(t->bytes) - t->size);
        memcpy(t->bytes + t->size, text, n);
        t->size += n;
}

static void on_end(SoapReader *r) {
        Text *t = text_at(r->userdata, r->depth);

        if (t)
                t->done = true;
}

static Span text_trim(const Text *t) {
        Span s = span_make(t->bytes, t->size);

        while (s.size > 0 && strchr(" \t\r\n", s.data[0]))
                s = span_make(s.data + 1, s.size - 1);
        while (s.size > 0 && strchr(" \t\r\n", s.data[s.size - 1]))
                s.size--;
        return s;
}

/* RFC 3986, 2.3: unreserved characters stand for themselves */
static bool is_unreserved(uint8_t c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c));
}

static void percent_encode(Span s, char *ret, size_t size) {
        size_t n = 0;

        for (size_t i = 0; i < s.size && n + 4 <= size; i++)
                if (is_unreserved(s.data[i]))
                        ret[n++] = (char) s.data[i];
                else
                        n += (size_t) snprintf(ret + n, 4, "%%%02X", s.data[i]);
        ret[n] = '\0';
}

/* The local part: the prefix means something within the message only. */
static Span local_part(Span name) {
        const uint8_t *colon = name.size > 0 ? memrchr(name.data, ':', name.size) : NULL;

        return colon ? span_make(colon + 1, name.size - (size_t) (colon + 1 - name.data)) : name;
}

int soap_find_fault(Span body, SoapFault *ret) {
        FaultReader f = {};
        SoapReader reader = {.on_start = on_start, .on_end = on_end, .on_text = on_text, .userdata = &f};
        char why[SOAP_WHY_SIZE];
        int r;

        if (body.size == 0)
                return SOAP_E_NO_FAULT;
        r = soap_read(&reader, body, why);
        if (r < 0)
                return r;
        if (r != 0 || !f.found)
                return SOAP_E_NO_FAULT;

        percent_encode(local_part(text_trim(&f.code)), ret->code, sizeof(ret->code));
        percent_encode(text_trim(&f.reason), ret->string, sizeof(ret->string));
        if (!ret->code[0])
                snprintf(ret->code, sizeof(ret->code), "unknown");
        return 0;
}
