/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/verifier/draft.h"

#include <openssl/rsa.h>

#include "common/wire.h"
#include "keyd/verifier/transcript.h"

static void append(Buf *b, Span s) {
        ASSERT(buf_append(b, s.data, s.size) == 0);
}

void draft_init(Draft *d, Span transcript) {
        WireReader r;

        *d = (Draft) {};
        wire_reader_init(&r, transcript);
        while (wire_reader_more(&r)) {
                uint8_t type = wire_get_u8(&r);

                draft_insert(d, d->n_messages, type, wire_get_vector(&r, 3, 0, DRAFT_MAX));
        }
        ASSERT(wire_reader_end(&r) == 0);
}

void draft_done(Draft *d) {
        for (size_t i = 0; i < d->n_messages; i++)
                buf_done(&d->messages[i].body);
        d->n_messages = 0;
}

static void write_some(const Draft *d, size_t from, size_t to, Buf *ret) {
        WireWriter w;

        wire_writer_init(&w, ret);
        for (size_t i = from; i < to; i++) {
                wire_put_u8(&w, d->messages[i].type);
                wire_put_vector(&w, 3, buf_span(&d->messages[i].body));
        }
        ASSERT(wire_writer_end(&w) == 0);
}

void draft_write(const Draft *d, Buf *ret) {
        write_some(d, 0, d->n_messages, ret);
}

DraftMessage *draft_find(Draft *d, uint8_t type, size_t nth) {
        for (size_t i = 0; i < d->n_messages; i++)
                if (d->messages[i].type == type && nth-- == 0)
                        return &d->messages[i];
        ASSERT(false);
}

void draft_remove(Draft *d, const DraftMessage *m) {
        size_t i = (size_t) (m - d->messages);

        buf_done(&d->messages[i].body);
        memmove(&d->messages[i], &d->messages[i + 1], (--d->n_messages - i) * sizeof(d->messages[0]));
}

void draft_insert(Draft *d, size_t position, uint8_t type, Span body) {
        ASSERT(d->n_messages < DRAFT_MESSAGES_MAX);

        memmove(&d->messages[position + 1], &d->messages[position], (d->n_messages++ - position) * sizeof(d->messages[0]));
        d->messages[position] = (DraftMessage) {.type = type, .body = BUF_INIT(DRAFT_MAX)};
        append(&d->messages[position].body, body);
}

void draft_replace(DraftMessage *m, size_t offset, size_t size, Span replacement) {
        Buf b = BUF_INIT(DRAFT_MAX);
        WireReader r;

        ASSERT(offset + size <= m->body.size);
        wire_reader_init(&r, buf_span(&m->body));
        append(&b, wire_get_fixed(&r, offset));
        append(&b, replacement);
        wire_get_fixed(&r, size);
        append(&b, r.rest);
        buf_done(&m->body);
        buf_move(&m->body, &b);
}

size_t draft_suite_offset(const DraftMessage *m) {
        return 2 + 32 + 1 + (size_t) m->body.data[34];
}

/* Where the vector of extensions begins */
static size_t extensions_offset(const DraftMessage *m) {
        const uint8_t *b = m->body.data;
        size_t at;

        switch (m->type) {
        case HANDSHAKE_CLIENT_HELLO:
                at = draft_suite_offset(m);
                at += 2 + ((size_t) b[at] << 8 | b[at + 1]);
                return at + 1 + b[at];
        case HANDSHAKE_SERVER_HELLO:
                return draft_suite_offset(m) + 3;
        case HANDSHAKE_CERTIFICATE_REQUEST:
                return 1 + (size_t) b[0];
        default:
                return 0;
        }
}

static Span extensions_of(const DraftMessage *m) {
        size_t at = extensions_offset(m);

        return span_make(m->body.data + at + 2, m->body.size - at - 2);
}

Span draft_extension(DraftMessage *m, uint16_t type) {
        WireReader r;

        wire_reader_init(&r, extensions_of(m));
        while (wire_reader_more(&r)) {
                uint16_t found = wire_get_u16(&r);
                Span body = wire_get_vector(&r, 2, 0, UINT16_MAX);

                if (found == type)
                        return body;
        }
        return (Span) {};
}

static void put_extension(WireWriter *w, uint16_t type, Span body) {
        wire_put_u16(w, type);
        wire_put_vector(w, 2, body);
}

/* Copies all extensions but @without, and @type behind them when @body.data is not NULL. */
static void rebuild(DraftMessage *m, int without, uint16_t type, Span body) {
        Buf list = BUF_INIT(DRAFT_MAX), block = BUF_INIT(DRAFT_MAX);
        size_t at = extensions_offset(m);
        WireWriter w, v;
        bool placed = false;
        WireReader r;

        wire_writer_init(&w, &list);
        wire_reader_init(&r, extensions_of(m));
        while (wire_reader_more(&r)) {
                uint16_t found = wire_get_u16(&r);
                Span old = wire_get_vector(&r, 2, 0, UINT16_MAX);

                if (found != without)
                        put_extension(&w, found, old);
                else if (body.data && !placed) {
                        put_extension(&w, type, body);
                        placed = true;
                }
        }
        if (body.data && !placed)
                put_extension(&w, type, body);
        wire_writer_init(&v, &block);
        wire_put_vector(&v, 2, buf_span(&list));
        ASSERT(wire_writer_end(&w) == 0 && wire_writer_end(&v) == 0);

        draft_replace(m, at, m->body.size - at, buf_span(&block));
        buf_done(&list);
        buf_done(&block);
}

void draft_set_extension(DraftMessage *m, uint16_t type, Span body) {
        rebuild(m, type, type, body);
}

void draft_add_extension(DraftMessage *m, uint16_t type, Span body) {
        rebuild(m, -1, type, body);
}

static void sign(EVP_PKEY *key, const EVP_MD *digest, bool pss, Span bytes, Buf *ret) {
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pctx = NULL;
        uint8_t *signature;
        size_t size = 0;

        ASSERT(ctx && EVP_DigestSignInit(ctx, &pctx, digest, NULL, key) == 1);
        if (pss)
                ASSERT(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                       EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0);
        ASSERT(EVP_DigestSign(ctx, NULL, &size, bytes.data, bytes.size) == 1);
        ASSERT(buf_extend(ret, size, &signature) == 0);
        ASSERT(EVP_DigestSign(ctx, signature, &size, bytes.data, bytes.size) == 1);
        ret->size = size;
        EVP_MD_CTX_free(ctx);
}

/* scheme and signature as both versions have them */
static void put_signed(Buf *ret, EVP_PKEY *key, uint16_t scheme, const EVP_MD *digest, bool pss, Span bytes) {
        Buf signature = BUF_INIT(2048);
        WireWriter w;

        sign(key, digest, pss, bytes, &signature);
        wire_writer_init(&w, ret);
        wire_put_u16(&w, scheme);
        wire_put_vector(&w, 2, buf_span(&signature));
        ASSERT(wire_writer_end(&w) == 0);
        buf_done(&signature);
}

/* RFC 8446, 4.4.1 written down a second time, in another way: the messages are put together and hashed in one go. */
static size_t hash_up_to_certificate(Draft *d, uint8_t *ret) {
        DraftMessage *hello = draft_find(d, HANDSHAKE_SERVER_HELLO, 0);
        size_t at = draft_suite_offset(hello), first = 0, last = (size_t) (draft_find(d, HANDSHAKE_CERTIFICATE, 0) - d->messages) + 1;
        const EVP_MD *md = hello->body.data[at + 1] == 0x02 ? EVP_sha384() : EVP_sha256();
        Buf b = BUF_INIT(DRAFT_MAX), one = BUF_INIT(DRAFT_MAX);
        unsigned size = 0;

        if (d->messages[2].type == HANDSHAKE_CLIENT_HELLO) {
                uint8_t digest[EVP_MAX_MD_SIZE];

                write_some(d, 0, 1, &one);
                ASSERT(EVP_Digest(one.data, one.size, digest, &size, md, NULL) == 1);
                append(&b, span_make((uint8_t[]) {0xfe, 0, 0, (uint8_t) size}, 4));
                append(&b, span_make(digest, size));
                first = 1;
        }
        write_some(d, first, last, &b);
        ASSERT(EVP_Digest(b.data, b.size, ret, &size, md, NULL) == 1);
        buf_done(&b);
        buf_done(&one);
        return size;
}

void draft_sign_1_3(Draft *d, EVP_PKEY *key, uint16_t scheme, const EVP_MD *digest, bool pss) {
        DraftMessage *m = draft_find(d, HANDSHAKE_CERTIFICATE_VERIFY, 0);
        Buf bytes = BUF_INIT(512);
        uint8_t hash[EVP_MAX_MD_SIZE], *p;
        size_t size = hash_up_to_certificate(d, hash);

        ASSERT(buf_extend(&bytes, 64, &p) == 0);
        memset(p, ' ', 64);
        append(&bytes, span_make("TLS 1.3, server CertificateVerify", 34));
        append(&bytes, span_make(hash, size));
        buf_clear(&m->body);
        put_signed(&m->body, key, scheme, digest, pss, buf_span(&bytes));
        buf_done(&bytes);
}

void draft_sign_1_2(Draft *d, EVP_PKEY *key, uint16_t scheme, const EVP_MD *digest, bool pss) {
        DraftMessage *m = draft_find(d, HANDSHAKE_SERVER_KEY_EXCHANGE, 0);
        size_t params = 4 + (size_t) m->body.data[3];
        Buf bytes = BUF_INIT(512), body = BUF_INIT(DRAFT_MAX);

        append(&bytes, span_make(draft_find(d, HANDSHAKE_CLIENT_HELLO, 0)->body.data + 2, 32));
        append(&bytes, span_make(draft_find(d, HANDSHAKE_SERVER_HELLO, 0)->body.data + 2, 32));
        append(&bytes, span_make(m->body.data, params));
        append(&body, span_make(m->body.data, params));
        put_signed(&body, key, scheme, digest, pss, buf_span(&bytes));
        buf_done(&m->body);
        buf_move(&m->body, &body);
        buf_done(&bytes);
}
