/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/crypto/fetch.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/wire.h"
#include "keyd/crypto/handover.h"

#define HEADER_MAX (PROTO_RECORD_MAX - FETCH_CONTENT_MAX)

const char *fetch_class_to_string(FetchClass c) {
        static const char *const names[_FETCH_CLASS_MAX] = {
                [FETCH_OK] = "ok",       [FETCH_RETRY] = "retry", [FETCH_RETRY_ALL] = "retry", [FETCH_CONFIGURATION] = "configuration",
                [FETCH_ALERT] = "alert",
        };

        return (unsigned) c < ARRAY_SIZE(names) ? names[c] : NULL;
}

void fetch_open_done(FetchOpen *o) {
        free(o->endpoint);
        free(o->app_id);
        free(o->chain);
        secret_free(o->key);
        *o = (FetchOpen) {};
}

void fetch_ask_done(FetchAsk *a) {
        free(a->safe);
        free(a->folder);
        free(a->object);
        free(a->platform);
        *a = (FetchAsk) {};
}

void fetch_answer_done(FetchAnswer *a) {
        a->content = secret_free(a->content);
}

/* sending */

static int wait_for(int fd, short events, uint64_t deadline_usec) {
        struct pollfd p = {.fd = fd, .events = events};
        int n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));

        if (n < 0 && errno != EINTR)
                return -errno;

        return n == 0 ? -ETIMEDOUT : 0;
}

/* @header and behind it @secret, which may be NULL, as one record */
static int send_record(int fd, const Buf *header, Secret *secret, uint64_t deadline_usec) {
        struct iovec iov[2] = {{.iov_base = header->data, .iov_len = header->size}};
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = secret ? 2 : 1};

        if (secret)
                iov[1] = (struct iovec) {.iov_base = secret_writable(secret), .iov_len = secret_size(secret)};
        if (iov[0].iov_len + iov[1].iov_len > PROTO_RECORD_MAX)
                return -EMSGSIZE;

        for (;;) {
                ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r;

                if (n >= 0)
                        return (size_t) n == iov[0].iov_len + iov[1].iov_len ? 0 : -EIO;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;

                r = wait_for(fd, POLLOUT, deadline_usec);
                if (r < 0)
                        return r;
        }
}

int fetch_send_ca(int fd, Span pem, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &record);
        wire_put_u8(&w, ROLE_FETCH_CA);
        wire_put_vector(&w, 4, pem);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, &record, NULL, deadline_usec);
}

int fetch_send_open(int fd, const FetchOpen *o, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf header = BUF_INIT(PROTO_RECORD_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &header);
        wire_put_u8(&w, ROLE_FETCH_OPEN);
        wire_put_text(&w, span_from_string(o->endpoint));
        wire_put_text(&w, span_from_string(o->app_id));
        wire_put_vector(&w, 4, span_from_string(o->chain));
        wire_put_u32(&w, (uint32_t) secret_size(o->key));
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, &header, o->key, deadline_usec);
}

int fetch_send_ask(int fd, const FetchAsk *a, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(HEADER_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &record);
        wire_put_u8(&w, ROLE_FETCH_ASK);
        wire_put_text(&w, span_from_string(a->safe));
        wire_put_text(&w, span_from_string(a->folder));
        wire_put_text(&w, span_from_string(a->object));
        wire_put_text(&w, span_from_string(a->platform));
        wire_put_u64(&w, a->timeout_usec);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, &record, NULL, deadline_usec);
}

int fetch_send_answer(int fd, const FetchAnswer *a, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf header = BUF_INIT(HEADER_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &header);
        wire_put_u8(&w, ROLE_FETCH_ANSWER);
        wire_put_u8(&w, (uint8_t) a->class);
        wire_put_u32(&w, a->retry_after_sec);
        wire_put_u8(&w, a->is_changing);
        wire_put_text(&w, span_from_string(a->code));
        wire_put_text(&w, span_from_string(a->detail));
        wire_put_text(&w, span_from_string(a->hint));
        wire_put_u8(&w, a->content != NULL);
        wire_put_u32(&w, a->content ? (uint32_t) secret_size(a->content) : 0);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, &header, a->content, deadline_usec);
}

/* receiving */

int fetch_receive(int fd, uint64_t deadline_usec, Secret **ret) {
        for (;;) {
                int r = key_handover_receive(fd, ret);

                if (r != -EAGAIN)
                        return r;
                r = wait_for(fd, POLLIN, deadline_usec);
                if (r < 0)
                        return r;
        }
}

/* A Secret's bytes seen through a cursor: what is secret among them goes into a Secret again. */
static Span bytes_of(const Secret *record) {
        return span_make(secret_data(record), secret_size(record));
}

uint8_t fetch_type(const Secret *record) {
        return secret_size(record) > 0 ? secret_data(record)[0] : 0;
}

static void open_record(WireReader *r, const Secret *record, RoleMsgType type) {
        wire_reader_init(r, bytes_of(record));
        wire_reader_check(r, wire_get_u8(r) == type);
}

int fetch_parse_ca(const Secret *record, Buf *pem) {
        WireReader r;
        Span part;
        int k;

        open_record(&r, record, ROLE_FETCH_CA);
        part = wire_get_vector(&r, 4, 1, FETCH_CA_PART_MAX);
        if (wire_reader_end(&r) != 0)
                return 1;

        k = buf_append(pem, part.data, part.size);
        return k == -EMSGSIZE ? 1 : k;
}

int fetch_parse_open(const Secret *record, FetchOpen *ret) {
        _cleanup_(fetch_open_done) FetchOpen o = {};
        Span endpoint, app_id, chain, key;
        WireReader r;
        int k;

        open_record(&r, record, ROLE_FETCH_OPEN);
        endpoint = wire_get_text(&r, 1, FETCH_TEXT_MAX);
        app_id = wire_get_text(&r, 1, FETCH_TEXT_MAX);
        chain = wire_get_vector(&r, 4, 1, FETCH_CHAIN_MAX);
        key = wire_get_vector(&r, 4, 1, ROLE_KEY_BYTES_MAX);
        wire_reader_check(&r, chain.size > 0 && !memchr(chain.data, 0, chain.size));
        if (wire_reader_end(&r) != 0)
                return 1;

        k = span_to_string(endpoint, &o.endpoint);
        if (k >= 0)
                k = span_to_string(app_id, &o.app_id);
        if (k >= 0)
                k = span_to_string(chain, &o.chain);
        if (k >= 0)
                k = secret_new_from(key.data, key.size, &o.key);
        if (k < 0)
                return k;

        *ret = o;
        o = (FetchOpen) {};
        return 0;
}

int fetch_parse_ask(const Secret *record, FetchAsk *ret) {
        _cleanup_(fetch_ask_done) FetchAsk a = {};
        Span texts[4];
        char **const targets[] = {&a.safe, &a.folder, &a.object, &a.platform};
        WireReader r;

        open_record(&r, record, ROLE_FETCH_ASK);
        texts[0] = wire_get_text(&r, 1, FETCH_TEXT_MAX);
        texts[1] = wire_get_text(&r, 0, FETCH_TEXT_MAX);
        texts[2] = wire_get_text(&r, 1, FETCH_TEXT_MAX);
        texts[3] = wire_get_text(&r, 0, FETCH_TEXT_MAX);
        a.timeout_usec = wire_get_u64(&r);
        if (wire_reader_end(&r) != 0)
                return 1;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                int k = span_to_string(texts[i], targets[i]);

                if (k < 0)
                        return k;
        }

        *ret = a;
        a = (FetchAsk) {};
        return 0;
}

static void copy_text(char *ret, Span text) {
        if (text.size > 0)
                memcpy(ret, text.data, text.size);
        ret[text.size] = 0;
}

int fetch_parse_answer(const Secret *record, FetchAnswer *ret) {
        FetchAnswer a = {};
        Span code, detail, hint, content;
        bool has_content;
        WireReader r;
        uint8_t class;
        int k;

        open_record(&r, record, ROLE_FETCH_ANSWER);
        class = wire_get_u8(&r);
        a.retry_after_sec = wire_get_u32(&r);
        a.is_changing = wire_get_u8(&r);
        code = wire_get_text(&r, 0, FETCH_CODE_MAX);
        detail = wire_get_text(&r, 0, FETCH_TEXT_MAX);
        hint = wire_get_text(&r, 0, FETCH_TEXT_MAX);
        has_content = wire_get_u8(&r) == 1;
        content = wire_get_vector(&r, 4, 0, has_content ? FETCH_CONTENT_MAX : 0);
        wire_reader_check(&r, class < _FETCH_CLASS_MAX && (class == FETCH_OK) == (detail.size == 0) && (class == FETCH_OK || !has_content));
        if (wire_reader_end(&r) != 0)
                return 1;

        a.class = (FetchClass) class;
        copy_text(a.code, code);
        copy_text(a.detail, detail);
        copy_text(a.hint, hint);
        if (has_content) {
                k = secret_new_from(content.data, content.size, &a.content);
                if (k < 0)
                        return k;
        }

        *ret = a;
        return 0;
}
