/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/grant.h"

#include <openssl/err.h>
#include <string.h>

#include "common/chan.h"
#include "common/msg-grant.h"
#include "common/msg-hello.h"
#include "keyd/crypto/handover.h"
#include "keyd/loader/encode.h"

#define RECORD_MAX 64U /* of KEYS_BEGIN, KEYS_TAKEN */

static int send_key(const ProfileResult *result, int fd, uint64_t deadline_usec) {
        _cleanup_(key_handover_done) KeyHandover h = {
                .generation = result->generation,
                .not_before = (uint64_t) result->key->not_before,
                .not_after = (uint64_t) result->key->not_after,
        };
        int r;

        snprintf(h.profile, sizeof(h.profile), "%s", result->config->name);
        r = secret_new_from(result->key->chain[0].der, result->key->chain[0].size, &h.leaf);
        if (r >= 0)
                r = encode_private_key(result->key->key, &h.pkcs8);
        if (r >= 0)
                r = key_handover_send(fd, &h, deadline_usec);

        return r;
}

static int send_begin(int fd, uint64_t batch, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(RECORD_MAX);
        int r;

        r = msg_keys_begin_encode(&record, &(MsgKeysBegin) {.batch = batch});
        return r < 0 ? r : chan_send(fd, buf_span(&record), deadline_usec);
}

static int send_end(int fd, uint64_t deadline_usec) {
        const uint8_t record = ROLE_KEYS_END;

        return chan_send(fd, span_make(&record, sizeof(record)), deadline_usec);
}

static int send_grant(const ProfileResult *result, int fd, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        uint8_t pins[PROTO_LIST_MAX][PROTO_PIN_SIZE];
        MsgGrant m = {
                .profile = span_from_string(result->config->name),
                .generation = result->generation,
                .max_signatures_per_minute = result->config->max_signatures_per_minute,
                .minimum_tls = result->config->minimum_tls,
        };
        int r;

        r = publish_pins(result->config->pins, pins, &m.pins);
        if (r >= 0)
                r = msg_grant_encode(&record, &m);
        if (r >= 0)
                r = chan_send(fd, buf_span(&record), deadline_usec);

        return r;
}

static int send_binding(const Publication *p, const ConnectionConfig *c, int fd, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char destination[ROLE_DESTINATION_MAX + 1], reason[PROTO_TEXT_MAX + 1];
        const ProfileResult *result = publish_find_result(p, c->profile);
        const char *why;
        MsgBinding m;
        int r;

        if (!c->applies || !result || result->generation == 0 || !publish_connection_ready(p, c, reason, sizeof(reason), &why) ||
            !publish_destination(c, destination))
                return 0;

        m = (MsgBinding) {
                .alias = span_from_string(c->alias),
                .profile = span_from_string(c->profile),
                .destination = span_from_string(destination),
        };
        r = msg_binding_encode(&record, &m);
        return r < 0 ? r : chan_send(fd, buf_span(&record), deadline_usec);
}

static int receive_taken(int fd, uint64_t batch, uint64_t deadline_usec, uint32_t *ret_n_missing) {
        _cleanup_(buf_done) Buf answer = BUF_INIT(RECORD_MAX);
        MsgKeysTaken m;
        uint8_t type;
        Span body;
        int r;

        /* What was meant for a loader that was killed meanwhile says nothing about our keys. */
        do {
                r = chan_receive(fd, &answer, deadline_usec);
                if (r < 0)
                        return r;
                if (r > 0 || msg_split(buf_span(&answer), &type, &body) != 0 || type != ROLE_KEYS_TAKEN || msg_keys_taken_decode(body, &m) != 0)
                        return GRANT_E_REFUSED;
        } while (m.batch != batch);

        *ret_n_missing = m.n_missing;
        return 0;
}

int grant_send(const Publication *p, int fd, uint64_t batch, uint64_t deadline_usec, uint32_t *ret_n_missing) {
        int r;

        r = send_begin(fd, batch, deadline_usec);
        for (size_t i = 0; i < p->n_results && r >= 0; i++)
                if (p->results[i].send_key)
                        r = send_key(&p->results[i], fd, deadline_usec);
        for (size_t i = 0; i < p->n_results && r >= 0; i++)
                if (p->results[i].generation > 0)
                        r = send_grant(&p->results[i], fd, deadline_usec);
        for (size_t i = 0; i < p->config->n_connections && r >= 0; i++)
                r = send_binding(p, p->config->connections[i], fd, deadline_usec);
        if (r >= 0)
                r = send_end(fd, deadline_usec);
        if (r < 0)
                return r;

        return receive_taken(fd, batch, deadline_usec, ret_n_missing);
}
