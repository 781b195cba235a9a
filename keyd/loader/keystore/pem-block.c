/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/keystore/pem-block.h"

#include <string.h>

#include "keyd/loader/file.h"

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"
#define BOM "\xef\xbb\xbf"

#define HINT_PEM "a block is a BEGIN line, lines of base64, and an END line with the same words"

static bool starts_with(BerBytes b, const char *s) {
        return b.size >= strlen(s) && memcmp(b.data, s, strlen(s)) == 0;
}

/* The next line without its end, blanks behind it and a byte order mark before it. */
static bool next_line(PemReader *r, BerBytes *ret) {
        size_t n = 0;

        if (r->rest.size == 0)
                return false;
        while (n < r->rest.size && r->rest.data[n] != '\n' && r->rest.data[n] != '\r')
                n++;

        *ret = (BerBytes) {.data = r->rest.data, .size = n};
        if (n + 1 < r->rest.size && r->rest.data[n] == '\r' && r->rest.data[n + 1] == '\n')
                n++;
        if (n < r->rest.size)
                n++;
        r->rest.data += n;
        r->rest.size -= n;
        r->line++;

        if (starts_with(*ret, BOM)) {
                ret->data += strlen(BOM);
                ret->size -= strlen(BOM);
        }
        while (ret->size > 0 && (ret->data[ret->size - 1] == ' ' || ret->data[ret->size - 1] == '\t'))
                ret->size--;
        return true;
}

static bool is_text(BerBytes line) {
        for (size_t i = 0; i < line.size; i++)
                if (line.data[i] < 0x20 && line.data[i] != '\t' && line.data[i] != '\f')
                        return false;

        return true;
}

bool pem_has_block(BerBytes in) {
        PemReader r = {.rest = in};
        BerBytes line;

        while (next_line(&r, &line) && is_text(line))
                if (starts_with(line, BEGIN))
                        return true;

        return false;
}

void pem_block_done(PemBlock *b) {
        b->der = secret_free(b->der);
        *b = (PemBlock) {};
}

void pem_reader_init(PemReader *r, BerBytes in, unsigned n_blocks_max) {
        *r = (PemReader) {.rest = in, .n_blocks_max = n_blocks_max};
}

/* "-----BEGIN label-----" to the label. */
static bool get_label(BerBytes line, const char *prefix, char *ret) {
        size_t n = strlen(prefix), n_dashes = strlen(DASHES), size;

        if (line.size < n + n_dashes || memcmp(line.data + line.size - n_dashes, DASHES, n_dashes) != 0)
                return false;
        size = line.size - n - n_dashes;
        if (size == 0 || size > PEM_LABEL_MAX)
                return false;
        for (size_t i = 0; i < size; i++)
                if (line.data[n + i] < 0x20 || line.data[n + i] > 0x7e || (line.data[n + i] == '-' && line.data[n + i + 1] == '-'))
                        return false;

        memcpy(ret, line.data + n, size);
        ret[size] = 0;
        return true;
}

/* RFC 4648, section 4, over several lines. */
typedef struct Base64 {
        Secret *out; /* borrowed */
        size_t size;
        uint32_t bits;
        unsigned n_bits;
        unsigned n_padding;
        unsigned n_characters; /* modulo 4 */
} Base64;

static int base64_value(uint8_t c) {
        if (c >= 'A' && c <= 'Z')
                return c - 'A';
        if (c >= 'a' && c <= 'z')
                return c - 'a' + 26;
        if (c >= '0' && c <= '9')
                return c - '0' + 52;

        return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool base64_add(Base64 *b, BerBytes line) {
        for (size_t i = 0; i < line.size; i++) {
                int v = base64_value(line.data[i]);

                if (line.data[i] == ' ' || line.data[i] == '\t')
                        continue;
                b->n_characters = (b->n_characters + 1) % 4;
                if (line.data[i] == '=' && ++b->n_padding <= 2)
                        continue;
                if (v < 0 || b->n_padding > 0)
                        return false;
                b->bits = (b->bits << 6 | (uint32_t) v) & 0xffffff;
                b->n_bits += 6;
                if (b->n_bits >= 8) {
                        if (b->size == secret_capacity(b->out))
                                return false;
                        b->n_bits -= 8;
                        secret_writable(b->out)[b->size++] = (uint8_t) (b->bits >> b->n_bits);
                }
        }
        return true;
}

static bool base64_end(Base64 *b) {
        secret_set_size(b->out, b->size);
        return b->n_characters == 0 && b->size > 0;
}

static void copy_value(BerBytes line, const char *name, char *ret, size_t size) {
        size_t skip = strlen(name);

        while (skip < line.size && line.data[skip] == ' ')
                skip++;
        snprintf(ret, size, "%.*s", (int) MIN_OF(line.size - skip, size), (const char *) line.data + skip);
}

/* RFC 1421's headers, which end with an empty line. @line is the first line of the block and then the first one behind them. */
static bool take_headers(PemReader *r, BerBytes *line, PemBlock *ret) {
        char value[32];

        if (!memchr(line->data, ':', line->size))
                return true;

        do {
                if (starts_with(*line, "Proc-Type:")) {
                        copy_value(*line, "Proc-Type:", value, sizeof(value));
                        ret->encrypted = strcmp(value, "4,ENCRYPTED") == 0;
                } else if (starts_with(*line, "DEK-Info:"))
                        copy_value(*line, "DEK-Info:", ret->dek_info, sizeof(ret->dek_info));
                if (!next_line(r, line))
                        return false;
        } while (line->size > 0 && !starts_with(*line, DASHES));

        return true;
}

static int refuse_end(BerBytes line, const PemReader *r, const PemBlock *b, LoadFailure *f) {
        for (size_t i = strlen(END); i + strlen(BEGIN) <= line.size; i++)
                if (memcmp(line.data + i, BEGIN, strlen(BEGIN)) == 0)
                        return load_failure(f, VERDICT_FORMAT, "put a line break between the END line and the BEGIN line behind it",
                                            "two blocks run into each other in line %u", r->line);

        return load_failure(f, VERDICT_FORMAT, HINT_PEM, "line %u does not end the block %s of line %u", r->line, b->label, b->line);
}

static int take_body(PemReader *r, PemBlock *b, LoadFailure *f) {
        Base64 base64 = {.out = b->der};
        char label[PEM_LABEL_MAX + 1];
        BerBytes line;
        bool more;

        more = next_line(r, &line) && take_headers(r, &line, b);
        for (; more; more = next_line(r, &line)) {
                if (starts_with(line, DASHES)) {
                        if (!starts_with(line, END) || !get_label(line, END, label) || strcmp(label, b->label) != 0)
                                return refuse_end(line, r, b, f);
                        if (!base64_end(&base64))
                                return load_failure(f, VERDICT_FORMAT, HINT_PEM, "the block %s of line %u is incomplete", b->label, b->line);
                        return 0;
                }
                if (!base64_add(&base64, line))
                        return load_failure(f, VERDICT_FORMAT, HINT_PEM, "line %u is no base64", r->line);
        }

        return load_failure(f, VERDICT_FORMAT, "the file was cut: get a complete copy", "the block %s of line %u has no end", b->label, b->line);
}

/* What the base64 up to the next dashes can decode to. */
static size_t body_size_max(BerBytes rest) {
        const uint8_t *dashes = memmem(rest.data, rest.size, DASHES, strlen(DASHES));

        return (dashes ? (size_t) (dashes - rest.data) : rest.size) / 4 * 3 + 3;
}

int pem_reader_next(PemReader *r, PemBlock *ret, LoadFailure *ret_failure) {
        _cleanup_(pem_block_done) PemBlock b = {};
        BerBytes line;
        int k;

        do {
                if (!next_line(r, &line))
                        return PEM_E_END;
                if (starts_with(line, END))
                        return load_failure(ret_failure, VERDICT_FORMAT, HINT_PEM, "line %u ends a block that has no beginning", r->line);
        } while (!starts_with(line, BEGIN));

        if (!get_label(line, BEGIN, b.label))
                return load_failure(ret_failure, VERDICT_FORMAT, HINT_PEM, "line %u is no proper BEGIN line", r->line);
        if (++r->n_blocks > r->n_blocks_max)
                return load_failure(ret_failure, VERDICT_LIMIT, "keep what is needed", "the file has more than %u PEM blocks", r->n_blocks_max);

        b.line = r->line;
        k = secret_new(body_size_max(r->rest), &b.der);
        if (k < 0)
                return k;
        k = take_body(r, &b, ret_failure);
        if (k != 0)
                return k;

        *ret = b;
        b = (PemBlock) {};
        return 0;
}
