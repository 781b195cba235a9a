/* SPDX-License-Identifier: Apache-2.0 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "calld/soap/soap.h"

#define ENVELOPE_1_1 "http://schemas.xmlsoap.org/soap/envelope/"
#define ENVELOPE_1_2 "http://www.w3.org/2003/05/soap-envelope"

typedef struct WrapRow {
        SoapVersion version;
        const char *body;
        int result;
        const char *inner; /* NULL: the body passes as it is */
} WrapRow;

static const WrapRow wrap_rows[] = {
        {SOAP_1_1, "<a>4&amp;2 \xc3\xa4</a>", 0, "<soap:Body><a>4&amp;2 \xc3\xa4</a></soap:Body>"},
        {SOAP_1_2, "<a/>", 0, "xmlns:soap=\"" ENVELOPE_1_2 "\"><soap:Body><a/></soap:Body>"},
        {SOAP_1_1, "", 0, "<soap:Body></soap:Body>"},
        {SOAP_1_1, "<?xml version=\"1.0\"?><a/>", 0, "<soap:Body><a/></soap:Body>"},
        {SOAP_1_1, "\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!-- c --><a/>", 0, "<soap:Body>\n<!-- c --><a/></soap:Body>"},
        {SOAP_1_1, "<?xml-stylesheet href='x'?><a/>", 0, "<soap:Body><?xml-stylesheet href='x'?><a/></soap:Body>"},
        {SOAP_1_1, "<e:Envelope xmlns:e=\"" ENVELOPE_1_1 "\"><e:Body/></e:Envelope>", 0, NULL},
        {SOAP_1_2, "<e:Envelope xmlns:e=\"" ENVELOPE_1_2 "\"><e:Body/></e:Envelope>", 0, NULL},
        {SOAP_1_1, "<Envelope><Body/></Envelope>", 0, "<soap:Body><Envelope><Body/></Envelope></soap:Body>"},
        {SOAP_1_2, "<e:Envelope xmlns:e=\"" ENVELOPE_1_1 "\"><e:Body/></e:Envelope>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><e:Envelope xmlns:e=\"" ENVELOPE_1_1 "\"/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<?xml version='1.0' encoding='UTF-7'?><a/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<?xml version='1.0' encoding='IBM037'?><a/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<?xml version='1.0' encoding=", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "\xff\xfe<", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<p:a/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a p:b='c'/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a><b></a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a/><b/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "text", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a>\xff</a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<a>&x;</a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<!DOCTYPE a><a/>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<!DOCTYPE a [<!ENTITY x \"xx\"><!ENTITY y \"&x;&x;\">]><a>&y;</a>", SOAP_E_INVALID, NULL},
        {SOAP_1_1, "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\"><a/>", SOAP_E_INVALID, NULL},
};

static Span exact(const char *s, size_t size, uint8_t **ret) {
        *ret = malloc(size + (size == 0));
        ASSERT(*ret);
        memcpy(*ret, s, size);
        return span_make(*ret, size);
}

static void test_wrap(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(wrap_rows); i++) {
                const WrapRow *row = &wrap_rows[i];
                _cleanup_(buf_done) Buf envelope = BUF_INIT(65536);
                _cleanup_free_ uint8_t *copy = NULL;
                char why[SOAP_WHY_SIZE] = "";
                int r = soap_wrap(row->version, (Span) {}, exact(row->body, strlen(row->body), &copy), &envelope, why);

                if (r != row->result)
                        fail_msg("%s: %d %s", row->body, r, why);
                if (r != 0)
                        assert_true(strlen(why) > 0);
                if (r != 0 || !row->inner)
                        assert_int_equal(envelope.size, 0);
                else if (!memmem(envelope.data, envelope.size, row->inner, strlen(row->inner)))
                        fail_msg("%.*s", (int) envelope.size, (char *) envelope.data);
        }
}

/* What was wrapped is an envelope, and no prefix of it is one. */
static void test_truncations(void **state) {
        _cleanup_(buf_done) Buf once = BUF_INIT(65536), twice = BUF_INIT(65536);
        char why[SOAP_WHY_SIZE];

        (void) state;
        assert_int_equal(soap_wrap(SOAP_1_2, (Span) {}, SPAN_LITERAL("<a b='c'>d<![CDATA[e]]></a>"), &once, why), 0);
        assert_int_equal(soap_wrap(SOAP_1_2, (Span) {}, buf_span(&once), &twice, why), 0);
        assert_int_equal(twice.size, 0);
        for (size_t n = 1; n + 2 < once.size; n++) {
                _cleanup_free_ uint8_t *copy = NULL;

                assert_int_equal(soap_wrap(SOAP_1_2, (Span) {}, exact((char *) once.data, n, &copy), &twice, why), SOAP_E_INVALID);
        }
}

static void put_nested(Buf *b, unsigned depth) {
        for (unsigned i = 0; i < depth; i++)
                ASSERT(buf_append(b, "<a>", 3) == 0);
        for (unsigned i = 0; i < depth; i++)
                ASSERT(buf_append(b, "</a>", 4) == 0);
}

static void test_depth(void **state) {
        _cleanup_(buf_done) Buf good = BUF_INIT(65536), deep = BUF_INIT(65536), envelope = BUF_INIT(65536);
        char why[SOAP_WHY_SIZE];

        (void) state;
        put_nested(&good, SOAP_DEPTH_MAX);
        put_nested(&deep, SOAP_DEPTH_MAX + 1);
        assert_int_equal(soap_wrap(SOAP_1_1, (Span) {}, buf_span(&good), &envelope, why), 0);
        assert_int_equal(soap_wrap(SOAP_1_1, (Span) {}, buf_span(&deep), &envelope, why), SOAP_E_INVALID);
        assert_non_null(strstr(why, "256"));
}

/* @n attributes in one element, behind what is no markup */
static int wrap_attributes(unsigned n, const char *before) {
        _cleanup_(buf_done) Buf body = BUF_INIT(1024 * 1024), envelope = BUF_INIT(1024 * 1024);
        char why[SOAP_WHY_SIZE];
        int r;

        r = buf_printf(&body, "<a>%s<b", before);
        for (unsigned i = 0; r == 0 && i < n; i++)
                r = buf_printf(&body, " a%u='>=\"'", i);
        if (r == 0)
                r = buf_printf(&body, "/></a>");
        assert_int_equal(r, 0);
        return soap_wrap(SOAP_1_1, (Span) {}, buf_span(&body), &envelope, why);
}

static void test_attributes(void **state) {
        static const char *const before[] = {"", "<!-- it's -->", "<![CDATA[ <x a=\" ]]>", "<?p it's ?>", "it's", "<c d='<'/>"};

        (void) state;
        for (size_t i = 0; i + 1 < ARRAY_SIZE(before); i++) {
                assert_int_equal(wrap_attributes(256, before[i]), 0);
                assert_int_equal(wrap_attributes(257, before[i]), SOAP_E_INVALID);
        }
        /* no XML, but nothing to hide behind */
        assert_int_equal(wrap_attributes(200000 / 16, before[ARRAY_SIZE(before) - 1]), SOAP_E_INVALID);
}

/* A text beyond libxml2's own limit of 10 MB passes; the bound is ours. */
static void test_large(void **state) {
        _cleanup_(buf_done) Buf body = BUF_INIT(12U * 1024 * 1024), envelope = BUF_INIT(13U * 1024 * 1024), small = BUF_INIT(1024 * 1024);
        char why[SOAP_WHY_SIZE];
        uint8_t *p;

        (void) state;
        assert_int_equal(buf_append(&body, "<a>", 3), 0);
        assert_int_equal(buf_extend(&body, 11U * 1024 * 1024, &p), 0);
        memset(p, 'x', 11U * 1024 * 1024);
        assert_int_equal(buf_append(&body, "</a>", 4), 0);
        assert_int_equal(soap_wrap(SOAP_1_1, (Span) {}, buf_span(&body), &envelope, why), 0);
        assert_int_equal(soap_wrap(SOAP_1_1, (Span) {}, buf_span(&body), &small, why), -EMSGSIZE);
}

static void test_fields(void **state) {
        char type[128], action[128], small[16], small_action[16];

        (void) state;
        assert_int_equal(soap_fields(SOAP_1_1, "urn:x", type, action, sizeof(type)), 0);
        assert_string_equal(type, "text/xml; charset=utf-8");
        assert_string_equal(action, "\"urn:x\"");
        assert_int_equal(soap_fields(SOAP_1_1, NULL, type, action, sizeof(type)), 0);
        assert_string_equal(action, "\"\"");
        assert_int_equal(soap_fields(SOAP_1_2, "urn:x", type, action, sizeof(type)), 0);
        assert_string_equal(type, "application/soap+xml; charset=utf-8; action=\"urn:x\"");
        assert_string_equal(action, "");
        assert_int_equal(soap_fields(SOAP_1_2, "urn:x", small, small_action, sizeof(small)), -EMSGSIZE);
}

typedef struct FaultRow {
        const char *body;
        int result;
        const char *code, *string;
} FaultRow;

#define FAULT_1_1(inner) "<?xml version=\"1.0\"?><e:Envelope xmlns:e=\"" ENVELOPE_1_1 "\"><e:Body>" inner "</e:Body></e:Envelope>"
#define FAULT_1_2(inner) "<e:Envelope xmlns:e=\"" ENVELOPE_1_2 "\"><e:Header/><e:Body>" inner "</e:Body></e:Envelope>"

static const FaultRow fault_rows[] = {
        {FAULT_1_1("<e:Fault><faultcode>e:Client</faultcode><faultstring> no: 7% \xc3\xa4 </faultstring></e:Fault>"), 0, "Client",
         "no%3A%207%25%20%C3%A4"},
        {FAULT_1_1("<e:Fault><faultcode>Server</faultcode></e:Fault>"), 0, "Server", ""},
        {FAULT_1_1("<e:Fault><faultcode>a<![CDATA[b]]>&lt;</faultcode></e:Fault>"), 0, "ab%3C", ""},
        {FAULT_1_1("<e:Fault/>"), 0, "unknown", ""},
        {FAULT_1_1("<e:Fault><detail><faultcode>x</faultcode></detail></e:Fault>"), 0, "unknown", ""},
        {FAULT_1_2("<e:Fault><e:Code><e:Value>e:Sender</e:Value><e:Subcode><e:Value>x</e:Value></e:Subcode></e:Code>"
                   "<e:Reason><e:Text xml:lang=\"en\">one</e:Text><e:Text xml:lang=\"de\">eins</e:Text></e:Reason></e:Fault>"),
         0, "Sender", "one"},
        {FAULT_1_1("<Fault><faultcode>x</faultcode></Fault>"), SOAP_E_NO_FAULT, NULL, NULL},
        {FAULT_1_1("<a><e:Fault/></a>"), SOAP_E_NO_FAULT, NULL, NULL},
        {FAULT_1_1("<a/>"), SOAP_E_NO_FAULT, NULL, NULL},
        {"<e:Fault xmlns:e=\"" ENVELOPE_1_1 "\"/>", SOAP_E_NO_FAULT, NULL, NULL},
        {"<Envelope><Body><Fault/></Body></Envelope>", SOAP_E_NO_FAULT, NULL, NULL},
        {"{\"json\": true}", SOAP_E_NO_FAULT, NULL, NULL},
        {"", SOAP_E_NO_FAULT, NULL, NULL},
        {"<!DOCTYPE e><e:Envelope xmlns:e=\"" ENVELOPE_1_1 "\"><e:Body><e:Fault/></e:Body></e:Envelope>", SOAP_E_NO_FAULT, NULL, NULL},
};

static void test_faults(void **state) {
        (void) state;
        for (size_t i = 0; i < ARRAY_SIZE(fault_rows); i++) {
                const FaultRow *row = &fault_rows[i];
                _cleanup_free_ uint8_t *copy = NULL;
                SoapFault fault = {};
                int r = soap_find_fault(exact(row->body, strlen(row->body), &copy), &fault);

                if (r != row->result)
                        fail_msg("%s: %d", row->body, r);
                if (r != 0)
                        continue;
                assert_string_equal(fault.code, row->code);
                assert_string_equal(fault.string, row->string);
        }
}

/* WS-Addressing: every text is escaped, and an envelope that is there already is not taken apart */
static void test_addressing(void **state) {
        static const char to[] = "https://h/p?a=1&b=<\">\xc3\xa4 \x01", action[] = "urn:a&b<c>";
        _cleanup_(buf_done) Buf header = BUF_INIT(65536), envelope = BUF_INIT(65536), again = BUF_INIT(65536), small = BUF_INIT(200);
        char why[SOAP_WHY_SIZE];

        (void) state;
        assert_int_equal(soap_addressing(to, action, "urn:uuid:1", &header), 0);
        assert_int_equal(soap_wrap(SOAP_1_2, buf_span(&header), SPAN_LITERAL("<a/>"), &envelope, why), 0);
        assert_int_equal(buf_append(&envelope, "", 1), 0);
        assert_non_null(strstr((char *) envelope.data, ">https://h/p?a=1&amp;b=&lt;\"&gt;%C3%A4%20%01</wsa:To>"));
        assert_non_null(strstr((char *) envelope.data, ">urn:a&amp;b&lt;c&gt;</wsa:Action>"));
        assert_non_null(strstr((char *) envelope.data, ">urn:uuid:1</wsa:MessageID>"));
        assert_non_null(strstr((char *) envelope.data, "</soap:Header><soap:Body><a/></soap:Body>"));

        envelope.size--;
        assert_int_equal(soap_wrap(SOAP_1_2, (Span) {}, buf_span(&envelope), &again, why), 0);
        assert_int_equal(soap_wrap(SOAP_1_2, buf_span(&header), buf_span(&envelope), &again, why), SOAP_E_INVALID);
        assert_non_null(strstr(why, "Midtls-Soap-Addressing"));
        assert_int_equal(soap_addressing(to, action, "urn:uuid:1", &small), -EMSGSIZE);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_addressing), cmocka_unit_test(test_wrap),  cmocka_unit_test(test_truncations), cmocka_unit_test(test_depth),
                cmocka_unit_test(test_attributes), cmocka_unit_test(test_large), cmocka_unit_test(test_fields),      cmocka_unit_test(test_faults),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
