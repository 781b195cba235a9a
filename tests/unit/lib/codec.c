/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/lib/codec.h"

#include "common/proto.h"
#include "common/wire.h"
#include "tests/unit/lib/unit.h"

#define BODY_MAX (1024U * 1024)

/* How one field is written in one body. */
typedef struct Value {
        uint64_t number; /* CODEC_UINT */
        size_t n;        /* items, or certificates */
        size_t size;     /* of the text, vector, or of each item */
        int control;     /* a byte in the midst of the text, or -1 */
        bool left_over;  /* CODEC_CHAIN: a byte behind the last certificate */
} Value;

typedef struct Body {
        const Codec *codec;
        Value values[64];
} Body;

uint8_t *codec_block(Span bytes) {
        uint8_t *block = malloc(bytes.size);

        assert_non_null(block);
        if (bytes.size > 0)
                memcpy(block, bytes.data, bytes.size);
        return block;
}

static void put_uint(Buf *b, size_t size, uint64_t v) {
        for (size_t i = size; i > 0; i--) {
                uint8_t byte = (uint8_t) (v >> (8 * (i - 1)));

                assert_int_equal(buf_append(b, &byte, 1), 0);
        }
}

/* Letters that differ from field to field and from item to item: fields that changed places are seen. */
static void put_letters(Buf *b, size_t size, size_t start, int control) {
        uint8_t *p;

        if (size == 0)
                return;
        assert_int_equal(buf_extend(b, size, &p), 0);
        for (size_t i = 0; i < size; i++)
                p[i] = (uint8_t) ('A' + (start + i) % 50);
        if (control >= 0)
                p[size / 2] = (uint8_t) control;
}

static void put_chain(Buf *b, const CodecField *f, const Value *v, size_t start) {
        put_uint(b, f->size, v->n * (v->size + 3) + v->left_over);
        for (size_t i = 0; i < v->n; i++) {
                put_uint(b, 3, v->size);
                put_letters(b, v->size, start + i, -1);
        }
        if (v->left_over)
                put_uint(b, 1, 0);
}

static void put_field(Buf *b, const CodecField *f, const Value *v, size_t start) {
        switch (f->kind) {
        case CODEC_UINT:
                put_uint(b, f->size, v->number);
                break;
        case CODEC_FIXED:
                put_letters(b, f->size, start, -1);
                break;
        case CODEC_TEXT:
        case CODEC_VECTOR:
                put_uint(b, f->size, v->size);
                put_letters(b, v->size, start, v->control);
                break;
        case CODEC_LIST:
                put_uint(b, f->size, v->n);
                for (size_t i = 0; i < v->n; i++) {
                        put_uint(b, 2, v->size);
                        put_letters(b, v->size, start + i, i + 1 == v->n ? v->control : -1);
                }
                break;
        case CODEC_PINS:
                put_uint(b, f->size, v->n);
                for (size_t i = 0; i < v->n; i++)
                        put_letters(b, PROTO_PIN_SIZE, start + i, -1);
                break;
        case CODEC_CHAIN:
                put_chain(b, f, v, start);
                break;
        }
}

static void body_init(Body *body, const Codec *c) {
        assert_true(c->n_fields <= ARRAY_SIZE(body->values));

        *body = (Body) {.codec = c};
        for (size_t i = 0; i < c->n_fields; i++) {
                const CodecField *f = &c->fields[i];

                body->values[i] = (Value) {.number = f->min + (f->max - f->min) / 2, .n = 2, .control = -1};
                body->values[i].size = MIN_OF(f->min + 5, MAX_OF(f->max, 1U));
        }
}

static void body_write(const Body *body, Buf *ret) {
        for (size_t i = 0; i < body->codec->n_fields; i++)
                put_field(ret, &body->codec->fields[i], &body->values[i], i * 3);
}

static int recode_exactly(const Codec *c, Span body, Buf *record) {
        _cleanup_free_ uint8_t *block = codec_block(body);

        return c->recode(span_make(block, body.size), record);
}

static void check_bytes(const Codec *c, const char *what, Span body, bool wanted) {
        _cleanup_(buf_done) Buf record = BUF_INIT(BODY_MAX);
        int r = recode_exactly(c, body, &record);

        if (!wanted) {
                if (r != WIRE_E_MALFORMED)
                        fail_msg("%s: %s: wanted a refusal, got %d", c->name, what, r);
                return;
        }
        if (r != 0)
                fail_msg("%s: %s: refused with %d", c->name, what, r);
        if (record.size != body.size + 1 || record.data[0] != c->type || !span_equal(span_make(record.data + 1, body.size), body))
                fail_msg("%s: %s: the encoder writes something else than was decoded", c->name, what);
}

static void check_body(const Body *body, const char *field, const char *what, uint64_t value, bool wanted) {
        _cleanup_(buf_done) Buf b = BUF_INIT(BODY_MAX);
        char label[128];

        snprintf(label, sizeof(label), "%s %s %llu", field, what, (unsigned long long) value);
        body_write(body, &b);
        check_bytes(body->codec, label, buf_span(&b), wanted);
}

static void check_number(Body *body, size_t i) {
        const CodecField *f = &body->codec->fields[i];
        uint64_t highest = f->size == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * f->size)) - 1;
        uint64_t *number = &body->values[i].number;

        *number = f->min;
        check_body(body, f->name, "is its minimum", *number, true);
        *number = f->max;
        check_body(body, f->name, "is its maximum", *number, true);
        if (f->min > 0) {
                *number = f->min - 1;
                check_body(body, f->name, "is too small:", *number, false);
        }
        if (f->max < highest) {
                *number = f->max + 1;
                check_body(body, f->name, "is too large:", *number, false);
                *number = highest;
                check_body(body, f->name, "is too large:", *number, false);
        }
}

static void check_size(Body *body, size_t i) {
        const CodecField *f = &body->codec->fields[i];
        size_t *size = &body->values[i].size;

        *size = f->min;
        check_body(body, f->name, "has its smallest size", *size, true);
        *size = f->max;
        check_body(body, f->name, "has its largest size", *size, true);
        if (f->min > 0) {
                *size = f->min - 1;
                check_body(body, f->name, "is too short:", *size, false);
        }
        *size = f->max + 1;
        check_body(body, f->name, "is too long:", *size, false);
}

static void check_controls(Body *body, size_t i) {
        static const uint8_t refused[] = {0x00, 0x01, '\n', '\r', 0x1b, 0x1f, 0x7f};
        const CodecField *f = &body->codec->fields[i];
        Value *v = &body->values[i];

        v->size = MIN_OF(f->max, 3U);
        for (size_t k = 0; k < ARRAY_SIZE(refused); k++) {
                v->control = refused[k];
                check_body(body, f->name, "has the control character", refused[k], false);
        }
        v->control = '\t';
        check_body(body, f->name, "has the control character", '\t', true);
        v->control = 0xc3;
        check_body(body, f->name, "has the byte", 0xc3, true);
}

static void set_count(Body *body, size_t i, size_t n) {
        const CodecField *fields = body->codec->fields;

        body->values[i].n = n;
        if (fields[i].with_next)
                body->values[i + 1].n = n;
        if (i > 0 && fields[i - 1].with_next)
                body->values[i - 1].n = n;
}

static void check_count(Body *body, size_t i) {
        static const size_t accepted[] = {0, 1, PROTO_LIST_MAX}, refused[] = {PROTO_LIST_MAX + 1, 256, UINT16_MAX};
        const CodecField *f = &body->codec->fields[i];

        for (size_t k = 0; k < ARRAY_SIZE(accepted); k++) {
                set_count(body, i, accepted[k]);
                check_body(body, f->name, "items:", accepted[k], true);
        }
        for (size_t k = 0; k < ARRAY_SIZE(refused); k++) {
                body->values[i].size = 1;
                set_count(body, i, refused[k]);
                if (f->kind == CODEC_LIST || refused[k] < 300)
                        check_body(body, f->name, "items:", refused[k], false);
        }
        set_count(body, i, 2);
        if (f->with_next) {
                body->values[i].n = 3;
                check_body(body, f->name, "has more items than the next list:", 3, false);
                body->values[i].n = 1;
                check_body(body, f->name, "has fewer items than the next list:", 1, false);
        }
}

static void check_list(Body *body, size_t i) {
        Value before = body->values[i];

        check_count(body, i);
        if (body->codec->fields[i].kind != CODEC_LIST)
                return;
        body->values[i] = before;
        check_size(body, i);
        body->values[i] = before;
        check_controls(body, i);
}

static void check_chain(Body *body, size_t i) {
        const CodecField *f = &body->codec->fields[i];
        Value *v = &body->values[i];

        v->n = 0;
        check_body(body, f->name, "certificates:", 0, true);
        v->n = PROTO_CHAIN_MAX;
        check_body(body, f->name, "certificates:", v->n, true);
        v->n = PROTO_CHAIN_MAX + 1;
        check_body(body, f->name, "certificates:", v->n, false);
        *v = (Value) {.n = 1, .size = 0};
        check_body(body, f->name, "has an empty certificate", 0, false);
        *v = (Value) {.n = 1, .size = PROTO_CERTIFICATE_MAX};
        check_body(body, f->name, "has a certificate of", v->size, true);
        *v = (Value) {.n = 1, .size = PROTO_CERTIFICATE_MAX + 1};
        check_body(body, f->name, "has a certificate of", v->size, false);
        *v = (Value) {.n = 2, .size = f->max / 2 - 3};
        check_body(body, f->name, "has its largest size", f->max, true);
        *v = (Value) {.n = 3, .size = f->max / 3 - 2};
        check_body(body, f->name, "is too long:", f->max + 3, false);
        *v = (Value) {.n = 2, .size = 9, .left_over = true};
        check_body(body, f->name, "has a byte behind its certificates", 1, false);
}

static void check_field(const Codec *c, size_t i) {
        Body body;

        body_init(&body, c);
        switch (c->fields[i].kind) {
        case CODEC_UINT:
                check_number(&body, i);
                break;
        case CODEC_FIXED:
                break;
        case CODEC_TEXT:
                check_size(&body, i);
                check_controls(&body, i);
                break;
        case CODEC_VECTOR:
                check_size(&body, i);
                break;
        case CODEC_LIST:
        case CODEC_PINS:
                check_list(&body, i);
                break;
        case CODEC_CHAIN:
                check_chain(&body, i);
                break;
        }
}

void codec_check(const Codec *c) {
        _cleanup_(buf_done) Buf b = BUF_INIT(BODY_MAX);
        char label[64];
        Body body;

        body_init(&body, c);
        body_write(&body, &b);
        check_bytes(c, "as it should be", buf_span(&b), true);

        for (size_t size = 0; size < b.size; size++) {
                snprintf(label, sizeof(label), "cut off after %zu bytes", size);
                check_bytes(c, label, span_make(b.data, size), false);
        }
        put_uint(&b, 1, 0);
        check_bytes(c, "with a byte left over", buf_span(&b), false);

        for (size_t i = 0; i < c->n_fields; i++)
                check_field(c, i);
}
