/* SPDX-License-Identifier: Apache-2.0 */

#include "keyd/crypto/fetch.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/wire.h"
#include "keyd/crypto/handover.h"

#define HEADER_MAX (PROTO_RECORD_MAX - FETCH_CONTENT_MAX)

void fetch_open_done(FetchOpen *o) {
        free(o->endpoint);
        free(o->identity);
        free(o->scope);
        free(o->login_path);
        free(o->chain);
        secret_free(o->key);
        secret_free(o->credential);
        *o = (FetchOpen) {};
}

void fetch_ask_done(FetchAsk *a) {
        free(a->container);
        free(a->folder);
        free(a->object);
        free(a->part);
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

/* @parts as one record */
static int send_record(int fd, struct iovec *parts, size_t n_parts, uint64_t deadline_usec) {
        struct msghdr m = {.msg_iov = parts, .msg_iovlen = n_parts};
        size_t size = 0;

        for (size_t i = 0; i < n_parts; i++)
                size += parts[i].iov_len;
        if (size > PROTO_RECORD_MAX)
                return -EMSGSIZE;

        for (;;) {
                ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
                int r;

                if (n >= 0)
                        return (size_t) n == size ? 0 : -EIO;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;

                r = wait_for(fd, POLLOUT, deadline_usec);
                if (r < 0)
                        return r;
        }
}

static struct iovec part_of(const Buf *b) {
        return (struct iovec) {.iov_base = b->data, .iov_len = b->size};
}

/* NULL: nothing */
static struct iovec part_of_secret(Secret *s) {
        return s ? (struct iovec) {.iov_base = secret_writable(s), .iov_len = secret_size(s)} : (struct iovec) {};
}

static void put_size(WireWriter *w, const Secret *s) {
        wire_put_u32(w, s ? (uint32_t) secret_size(s) : 0);
}

int fetch_send_ca(int fd, Span pem, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &record);
        wire_put_u8(&w, ROLE_FETCH_CA);
        wire_put_vector(&w, 4, pem);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, (struct iovec[]) {part_of(&record)}, 1, deadline_usec);
}

int fetch_send_open(int fd, const FetchOpen *o, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf header = BUF_INIT(PROTO_RECORD_MAX), between = BUF_INIT(sizeof(uint32_t));
        WireWriter w, w2;
        int r;

        wire_writer_init(&w, &header);
        wire_put_u8(&w, ROLE_FETCH_OPEN);
        wire_put_u8(&w, (uint8_t) o->store);
        wire_put_u8(&w, (uint8_t) o->login);
        wire_put_text(&w, span_from_string(o->endpoint));
        wire_put_text(&w, span_from_string(o->identity));
        wire_put_text(&w, span_from_string(o->scope));
        wire_put_text(&w, span_from_string(o->login_path));
        wire_put_u8(&w, o->is_versioned);
        wire_put_vector(&w, 4, span_from_string(o->chain));
        put_size(&w, o->key);
        wire_writer_init(&w2, &between);
        put_size(&w2, o->credential);
        r = wire_writer_end(&w);
        if (r >= 0)
                r = wire_writer_end(&w2);
        if (r < 0)
                return r;

        return send_record(fd, (struct iovec[]) {part_of(&header), part_of_secret(o->key), part_of(&between), part_of_secret(o->credential)}, 4,
                           deadline_usec);
}

int fetch_send_ask(int fd, const FetchAsk *a, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf record = BUF_INIT(HEADER_MAX);
        WireWriter w;
        int r;

        wire_writer_init(&w, &record);
        wire_put_u8(&w, ROLE_FETCH_ASK);
        wire_put_text(&w, span_from_string(a->container));
        wire_put_text(&w, span_from_string(a->folder));
        wire_put_text(&w, span_from_string(a->object));
        wire_put_text(&w, span_from_string(a->part));
        wire_put_u64(&w, a->timeout_usec);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, (struct iovec[]) {part_of(&record)}, 1, deadline_usec);
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
        put_size(&w, a->content);
        r = wire_writer_end(&w);

        return r < 0 ? r : send_record(fd, (struct iovec[]) {part_of(&header), part_of_secret(a->content)}, 2, deadline_usec);
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

static int copy_texts(const Span *texts, char **const *targets, size_t n) {
        int r = 0;

        for (size_t i = 0; i < n && r >= 0; i++)
                r = span_to_string(texts[i], targets[i]);

        return r;
}

int fetch_parse_open(const Secret *record, FetchOpen *ret) {
        _cleanup_(fetch_open_done) FetchOpen o = {};
        char **const targets[] = {&o.endpoint, &o.identity, &o.scope, &o.login_path, &o.chain};
        Span texts[ARRAY_SIZE(targets)], key, credential;
        WireReader r;
        int k;

        open_record(&r, record, ROLE_FETCH_OPEN);
        o.store = (RoleStore) wire_get_u8(&r);
        o.login = (FetchLogin) wire_get_u8(&r);
        texts[0] = wire_get_text(&r, 1, FETCH_TEXT_MAX);
        for (size_t i = 1; i < ARRAY_SIZE(texts) - 1; i++)
                texts[i] = wire_get_text(&r, 0, FETCH_TEXT_MAX);
        o.is_versioned = wire_get_u8(&r) == 1;
        texts[ARRAY_SIZE(texts) - 1] = wire_get_vector(&r, 4, 0, FETCH_CHAIN_MAX);
        key = wire_get_vector(&r, 4, 0, ROLE_KEY_BYTES_MAX);
        credential = wire_get_vector(&r, 4, 0, FETCH_CREDENTIAL_MAX);
        wire_reader_check(&r, (unsigned) o.store < ROLE_STORES && (unsigned) o.login < _FETCH_LOGIN_MAX);
        wire_reader_check(&r, (texts[4].size == 0) == (key.size == 0) && (texts[4].size == 0 || !memchr(texts[4].data, 0, texts[4].size)));
        if (wire_reader_end(&r) != 0)
                return 1;

        k = copy_texts(texts, targets, ARRAY_SIZE(texts));
        if (k >= 0)
                k = secret_new_from(key.data, key.size, &o.key);
        if (k >= 0)
                k = secret_new_from(credential.data, credential.size, &o.credential);
        if (k < 0)
                return k;

        *ret = o;
        o = (FetchOpen) {};
        return 0;
}

int fetch_parse_ask(const Secret *record, FetchAsk *ret) {
        _cleanup_(fetch_ask_done) FetchAsk a = {};
        char **const targets[] = {&a.container, &a.folder, &a.object, &a.part};
        Span texts[ARRAY_SIZE(targets)];
        WireReader r;
        int k;

        open_record(&r, record, ROLE_FETCH_ASK);
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
                texts[i] = wire_get_text(&r, targets[i] == &a.object, FETCH_TEXT_MAX);
        a.timeout_usec = wire_get_u64(&r);
        if (wire_reader_end(&r) != 0)
                return 1;

        k = copy_texts(texts, targets, ARRAY_SIZE(texts));
        if (k < 0)
                return k;

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
