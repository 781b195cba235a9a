/* SPDX-License-Identifier: Apache-2.0 */

/*
 * check_handshake() on hostile transcripts
 *
 * The first byte says which version (bit 0) and how the rest is read (bit 1): as a transcript, or as edits of a genuine one, four bytes each. Edits
 * reach what lies behind the server's signature, and there it is known what must come out: nothing that the server did not sign is accepted.
 *
 * Target functions: check_handshake and all that it calls, chain_cache_find, chain_cache_add
 */

#include "keyd/verifier/transcript.h"
#include "tests/unit/keyd/verifier/world.h"

#define EDIT_SIZE 4U
#define EDITS_MAX 64U

typedef enum EditKind {
        EDIT_FLIP,
        EDIT_SET,
        EDIT_CUT,
        EDIT_INSERT,
        EDIT_DELETE,
        _EDIT_MAX,
} EditKind;

static World world;
static ChainCache *cache;
static Recording bases[2]; /* TLS 1.2, TLS 1.3 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint16_t version_of(size_t which) {
        return which == 1 ? TLS_VERSION_1_3 : TLS_VERSION_1_2;
}

static void set_up(void) {
        if (cache)
                return;

        world_init(&world, "ec-p256", "ec-p256", "ec-p256");
        ASSERT(chain_cache_new(&cache) == 0);
        for (size_t i = 0; i < 2; i++) {
                RecordSpec spec = world_record_spec(&world, version_of(i));

                spec.alpn = "\x02h2";
                record_handshake(&spec, &bases[i]);
        }
}

static void edit(Buf *b, const uint8_t *e) {
        size_t offset = b->size > 0 ? ((size_t) e[0] << 8 | e[1]) % b->size : 0;
        uint8_t *last;

        if (b->size == 0)
                return;

        switch ((EditKind) (e[2] % _EDIT_MAX)) {
        case EDIT_FLIP:
                b->data[offset] ^= e[3];
                break;
        case EDIT_SET:
                b->data[offset] = e[3];
                break;
        case EDIT_CUT:
                b->size = offset;
                break;
        case EDIT_INSERT:
                ASSERT(buf_extend(b, 1, &last) == 0);
                memmove(b->data + offset + 1, b->data + offset, b->size - offset - 1);
                b->data[offset] = e[3];
                break;
        case EDIT_DELETE:
        case _EDIT_MAX:
        default:
                memmove(b->data + offset, b->data + offset + 1, b->size - offset - 1);
                b->size--;
                break;
        }
}

static Span message_of(const Transcript *t, const Message *m) {
        return span_make(t->bytes.data, m->end);
}

/* All but verify_data of the server's Finished, which takes the connection's secrets to check */
static void insist_1_3(const Transcript *genuine, const Transcript *t) {
        ASSERT(span_equal(message_of(genuine, genuine->server_certificate_verify), message_of(t, t->server_certificate_verify)));
        ASSERT(span_equal(genuine->client_certificate->body, t->client_certificate->body));
        ASSERT(genuine->bytes.size == t->bytes.size);
}

/* Both randoms, the server's share and signature, and both certificates */
static void insist_1_2(const Transcript *genuine, const Transcript *t) {
        ASSERT(memcmp(genuine->client_hello->body.data + 2, t->client_hello->body.data + 2, 32) == 0);
        ASSERT(memcmp(genuine->server_hello->body.data + 2, t->server_hello->body.data + 2, 32) == 0);
        ASSERT(span_equal(genuine->server_key_exchange->body, t->server_key_exchange->body));
        ASSERT(span_equal(genuine->server_certificate->body, t->server_certificate->body));
        ASSERT(span_equal(genuine->client_certificate->body, t->client_certificate->body));
}

static void insist(size_t which, Span transcript) {
        TranscriptFault fault;
        Transcript genuine, t;

        ASSERT(transcript_split(buf_span(&bases[which].transcript), &genuine) == 0 && transcript_assign(&genuine, version_of(which), &fault) == 0);
        ASSERT(transcript_split(transcript, &t) == 0 && transcript_assign(&t, version_of(which), &fault) == 0);
        if (which == 1)
                insist_1_3(&genuine, &t);
        else
                insist_1_2(&genuine, &t);
}

static void check(size_t which, Span transcript) {
        CheckResult result;
        int r = world_check(&world, cache, version_of(which), bases[which].scheme, transcript, &result);

        ASSERT(r == 0 || (r == 1 && result.code >= REFUSAL_TRANSCRIPT_MALFORMED && result.code <= REFUSAL_SCHEME));
        ASSERT(r == 0 || (result.sentence[0] && memchr(result.sentence, 0, sizeof(result.sentence))));
        if (r == 0)
                insist(which, transcript);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        Buf b = BUF_INIT(DRAFT_MAX);
        size_t which;

        set_up();
        if (size == 0)
                return 0;

        which = data[0] & 1;
        if (!(data[0] & 2)) {
                check(which, span_make(data + 1, size - 1));
                return 0;
        }

        ASSERT(buf_append(&b, bases[which].transcript.data, bases[which].transcript.size) == 0);
        for (size_t at = 1, n = 0; size - at >= EDIT_SIZE && n < EDITS_MAX; at += EDIT_SIZE, n++)
                edit(&b, data + at);
        check(which, buf_span(&b));
        buf_done(&b);
        return 0;
}
