/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/publish-internal.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/msg-hello.h"
#include "keyd/loader/file.h"

#define PIN_TEXT_SIZE 44U   /* base64 of 32 bytes */
#define PIN_DECODED_SIZE 33 /* as EVP_DecodeBlock() counts: with what the padding stands for */

int publish_pins(char *const *pins, uint8_t storage[static PROTO_LIST_MAX][PROTO_PIN_SIZE], TextList *ret) {
        *ret = (TextList) {};

        for (size_t i = 0; pins && pins[i]; i++) {
                uint8_t bytes[PIN_DECODED_SIZE];

                if (i >= PROTO_LIST_MAX || strlen(pins[i]) != PIN_TEXT_SIZE || pins[i][PIN_TEXT_SIZE - 1] != '=' ||
                    EVP_DecodeBlock(bytes, (const uint8_t *) pins[i], PIN_TEXT_SIZE) != PIN_DECODED_SIZE)
                        return -EINVAL;
                memcpy(storage[i], bytes, PROTO_PIN_SIZE);
                ret->items[ret->n_items++] = span_make(storage[i], PROTO_PIN_SIZE);
        }
        return 0;
}

static int add_texts(char *const *texts, TextList *ret) {
        int r = 0;

        for (size_t i = 0; texts && texts[i] && r == 0; i++)
                r = text_list_add(ret, span_from_string(texts[i]));

        return r;
}

/* The part about the key: as loaded, or as it was. */
static int fill_key(const ProfileResult *result, Buf *chain, MsgProfile *m) {
        const LoadedKey *key = result->key;

        if (result->generation == 0)
                return 0;
        if (result->keeps_key) {
                m->key_type = result->previous.key_type;
                m->not_before = result->previous.not_before;
                m->not_after = result->previous.not_after;
                m->chain = result->previous.chain;
                return 0;
        }

        for (size_t i = 0; i < key->n_chain; i++) {
                int r = publish_append_certificate(chain, &key->chain[i]);

                if (r < 0)
                        return r;
        }
        m->key_type = span_from_string(key->key_type);
        m->not_before = (uint64_t) key->not_before;
        m->not_after = (uint64_t) key->not_after;
        m->chain = buf_span(chain);
        return 0;
}

/* Return: 0; -E2BIG, -EMSGSIZE or -EINVAL when the protocol cannot hold it; -ENOMEM */
static int encode(const ProfileResult *result, Buf *record) {
        _cleanup_(buf_done) Buf chain = BUF_INIT(PROTO_CHAIN_BYTES_MAX);
        uint8_t pins[PROTO_LIST_MAX][PROTO_PIN_SIZE];
        const ProfileConfig *c = result->config;
        const uint8_t *ca_set = publish_ca_set(result);
        char description[PROTO_TEXT_MAX + 1];
        MsgProfile m = {
                .name = span_from_string(c->name),
                .generation = result->generation,
                .state = result->state,
                .reason = span_from_string(result->reason),
                .hint = span_from_string(result->hint),
                .default_port = c->default_port,
                .minimum_tls = c->minimum_tls,
        };
        int r;

        decide_copy_text(description, sizeof(description), c->description ? c->description : "");
        m.description = span_from_string(description);
        if (ca_set)
                memcpy(m.ca_set, ca_set, sizeof(m.ca_set));

        r = publish_pins(c->pins, pins, &m.pins);
        if (r >= 0)
                r = add_texts(c->allowed_names, &m.allowed_names);
        if (r >= 0)
                r = fill_key(result, &chain, &m);
        if (r >= 0)
                r = msg_profile_encode(record, &m);

        return r;
}

static bool is_sound(const Buf *record) {
        MsgProfile m;
        uint8_t type;
        Span body;

        return msg_split(buf_span(record), &type, &body) == 0 && msg_profile_decode(body, &m) == 0;
}

/* What remains to be said of a profile that cannot be said as it is; the signer is to get nothing of it either. */
static int encode_unsound(ProfileResult *result, Buf *record) {
        MsgProfile m;

        result->key_failed = load_failure(&result->failure, VERDICT_LIMIT, "see the limits in midtls.profile(5); a chain has 10 certificates at most",
                                          "the profile or its certificate chain holds more, or other bytes, than can be handed on");
        decide_fail(result);
        m = (MsgProfile) {
                .name = span_from_string(result->config->name),
                .state = result->state,
                .reason = span_from_string(result->reason),
                .hint = span_from_string(result->hint),
                .default_port = result->config->default_port,
                .minimum_tls = TLS_VERSION_1_2,
        };

        buf_clear(record);
        return msg_profile_encode(record, &m);
}

int publish_profile(ProfileResult *result, RecordList *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        int r;

        r = encode(result, &record);
        if (r == -ENOMEM)
                return r;
        if (r < 0 || !is_sound(&record)) {
                r = encode_unsound(result, &record);
                if (r < 0)
                        return r;
                /* A file's name that is no name: config-error has said it. */
                if (!is_sound(&record))
                        return 0;
        }

        return record_list_add(ret, buf_span(&record));
}
