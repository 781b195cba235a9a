/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/loader/request.h"

#include "common/chan.h"
#include "common/msg-hello.h"

void request_done(LoadRequest *r) {
        r->left_out = record_list_unref(r->left_out);
        r->previous = record_list_unref(r->previous);
        generations_done(&r->generations);
}

/* Return: 0 with the record's type, REQUEST_E_VIOLATION, -errno */
static int receive_one(int fd, Buf *record, uint64_t deadline_usec, uint8_t *ret_type, Span *ret_body) {
        int r;

        r = chan_receive(fd, record, deadline_usec);
        if (r != 0)
                return r < 0 ? r : REQUEST_E_VIOLATION;

        return msg_split(buf_span(record), ret_type, ret_body) == 0 ? 0 : REQUEST_E_VIOLATION;
}

static int take_generation(LoadRequest *q, Span body) {
        MsgGeneration m;

        /* They come before the snapshot. */
        if (record_list_count(q->previous) > 0 || msg_generation_decode(body, &m) != 0)
                return REQUEST_E_VIOLATION;

        if (m.profile.size > 0)
                return generations_note(&q->generations, m.profile, m.last);
        q->generations.forgotten = m.last;
        return 0;
}

static int take_left_out(LoadRequest *q, Span record, Span body) {
        MsgQuarantine m;

        if (record_list_count(q->previous) > 0 || msg_quarantine_decode(body, &m) != 0)
                return REQUEST_E_VIOLATION;

        return record_list_add(q->left_out, record);
}

static int take(LoadRequest *q, uint8_t type, Span record, Span body) {
        switch (type) {
        case ROLE_GENERATION:
                return take_generation(q, body);
        case ROLE_QUARANTINE:
                return take_left_out(q, record, body);
        default:
                return record_list_add(q->previous, record);
        }
}

int request_receive(int fd, uint64_t deadline_usec, LoadRequest *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_(request_done) LoadRequest q = {};
        uint8_t type;
        Span body;
        int r;

        r = record_list_new(ROLE_SNAPSHOT_RECORDS_MAX, ROLE_SNAPSHOT_BYTES_MAX, &q.previous);
        if (r >= 0)
                r = record_list_new(GENERATIONS_MAX, ROLE_SNAPSHOT_BYTES_MAX, &q.left_out);
        if (r < 0)
                return r;
        r = receive_one(fd, &record, deadline_usec, &type, &body);
        if (r != 0)
                return r;
        if (type != ROLE_LOAD || msg_load_decode(body, &q.load) != 0)
                return REQUEST_E_VIOLATION;

        for (;;) {
                r = receive_one(fd, &record, deadline_usec, &type, &body);
                if (r != 0)
                        return r;
                if (type == ROLE_LOAD_END)
                        break;
                r = take(&q, type, buf_span(&record), body);
                if (r != 0)
                        return r == -E2BIG ? REQUEST_E_VIOLATION : r;
        }

        *ret = q;
        q = (LoadRequest) {};
        return 0;
}

bool request_next(const RecordList *records, uint8_t type, size_t *cursor, Span *ret_record, Span *ret_body) {
        while (*cursor < record_list_count(records)) {
                Span record = record_list_get(records, (*cursor)++), body;
                uint8_t found;

                if (msg_split(record, &found, &body) != 0 || found != type)
                        continue;
                *ret_record = record;
                *ret_body = body;
                return true;
        }
        return false;
}

bool request_find_left_out(const LoadRequest *r, const char *name, MsgQuarantine *ret) {
        size_t cursor = 0;
        Span record, body;

        while (request_next(r->left_out, ROLE_QUARANTINE, &cursor, &record, &body))
                if (msg_quarantine_decode(body, ret) == 0 && span_is(ret->profile, name))
                        return true;

        return false;
}

bool request_find_profile(const LoadRequest *r, const char *name, MsgProfile *ret) {
        size_t cursor = 0;
        Span record, body;

        while (request_next(r->previous, MSG_PROFILE, &cursor, &record, &body))
                if (msg_profile_decode(body, ret) == 0 && span_is(ret->name, name))
                        return true;

        return false;
}
