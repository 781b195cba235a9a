/* SPDX-License-Identifier: Apache-2.0 */

/*
 * ROLE_KEY, profile (text), generation (8), not_before (8), not_after (8), size of the leaf (4), size of the key (4), leaf, key
 *
 * What stands before the leaf is public and is built in a Buf; leaf and key are sent from where they lie. The record's length is asked for
 * first, so that the Secret it goes into is neither too small nor a page too large.
 */

#include "keyd/crypto/handover.h"

#include <poll.h>
#include <sys/socket.h>

#include "common/wire.h"

#define HEADER_MAX 128U

void key_handover_done(KeyHandover *h) {
        if (!h)
                return;

        h->leaf = secret_free(h->leaf);
        h->pkcs8 = secret_free(h->pkcs8);
}

static int encode_header(Buf *record, const KeyHandover *h) {
        WireWriter w;

        wire_writer_init(&w, record);
        wire_put_u8(&w, ROLE_KEY);
        wire_put_text(&w, span_from_string(h->profile));
        wire_put_u64(&w, h->generation);
        wire_put_u64(&w, h->not_before);
        wire_put_u64(&w, h->not_after);
        wire_put_u32(&w, (uint32_t) secret_size(h->leaf));
        wire_put_u32(&w, (uint32_t) secret_size(h->pkcs8));

        return wire_writer_end(&w);
}

static int wait_for_room(int fd, uint64_t deadline_usec) {
        struct pollfd p = {.fd = fd, .events = POLLOUT};
        int n;

        n = poll(&p, 1, deadline_to_poll_ms(deadline_usec));
        if (n < 0 && errno != EINTR)
                return -errno;

        return n == 0 ? -ETIMEDOUT : 0;
}

int key_handover_send(int fd, const KeyHandover *h, uint64_t deadline_usec) {
        _cleanup_(buf_done) Buf header = BUF_INIT(HEADER_MAX);
        struct iovec iov[3];
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov)};
        int r;

        ASSERT(secret_size(h->leaf) <= PROTO_CERTIFICATE_MAX && secret_size(h->pkcs8) <= ROLE_KEY_BYTES_MAX);

        r = encode_header(&header, h);
        if (r < 0)
                return r;

        iov[0] = (struct iovec) {.iov_base = header.data, .iov_len = header.size};
        iov[1] = (struct iovec) {.iov_base = secret_writable(h->leaf), .iov_len = secret_size(h->leaf)};
        iov[2] = (struct iovec) {.iov_base = secret_writable(h->pkcs8), .iov_len = secret_size(h->pkcs8)};

        for (;;) {
                ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);

                if (n >= 0)
                        return (size_t) n == iov[0].iov_len + iov[1].iov_len + iov[2].iov_len ? 0 : -EIO;
                if (errno == EINTR)
                        continue;
                if (errno != EAGAIN)
                        return -errno;

                r = wait_for_room(fd, deadline_usec);
                if (r < 0)
                        return r;
        }
}

/* The only place where a Secret's bytes are seen through a cursor; what it finds goes into Secrets again. */
static Span bytes_of(const Secret *record) {
        return span_make(secret_data(record), secret_size(record));
}

Span key_handover_public(const Secret *record) {
        Span bytes = bytes_of(record);

        ASSERT(bytes.size > 0 && bytes.data[0] != ROLE_KEY);
        return bytes;
}

static int take_parts(Span leaf, Span pkcs8, KeyHandover *ret) {
        _cleanup_(secret_freep) Secret *s = NULL;
        int r;

        r = secret_new_from(leaf.data, leaf.size, &s);
        if (r < 0)
                return r;
        r = secret_new_from(pkcs8.data, pkcs8.size, &ret->pkcs8);
        if (r < 0)
                return r;

        ret->leaf = TAKE_PTR(s);
        return 0;
}

int key_handover_parse(const Secret *record, KeyHandover *ret) {
        uint32_t leaf_size, pkcs8_size;
        Span profile, leaf, pkcs8;
        KeyHandover h = {};
        WireReader r;
        int k;

        wire_reader_init(&r, bytes_of(record));
        wire_reader_check(&r, wire_get_u8(&r) == ROLE_KEY);
        profile = wire_get_text(&r, 1, PROTO_NAME_MAX);
        h.generation = wire_get_u64(&r);
        wire_reader_check(&r, h.generation != 0);
        h.not_before = wire_get_u64(&r);
        h.not_after = wire_get_u64(&r);
        leaf_size = wire_get_u32(&r);
        wire_reader_check(&r, leaf_size > 0 && leaf_size <= PROTO_CERTIFICATE_MAX);
        pkcs8_size = wire_get_u32(&r);
        wire_reader_check(&r, pkcs8_size > 0 && pkcs8_size <= ROLE_KEY_BYTES_MAX);
        leaf = wire_get_fixed(&r, leaf_size);
        pkcs8 = wire_get_fixed(&r, pkcs8_size);
        if (wire_reader_end(&r) != 0)
                return 1;

        memcpy(h.profile, profile.data, profile.size);
        k = take_parts(leaf, pkcs8, &h);
        if (k < 0)
                return k;

        *ret = h;
        return 0;
}

/* MSG_TRUNC makes the kernel tell the record's whole length, MSG_PEEK leaves it there. Return: 0, HANDOVER_E_CLOSED, -errno */
static int next_size(int fd, size_t *ret) {
        struct msghdr m = {};
        ssize_t n;

        do
                n = recvmsg(fd, &m, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        *ret = (size_t) n;
        return n == 0 ? HANDOVER_E_CLOSED : 0;
}

int key_handover_receive(int fd, Secret **ret) {
        _cleanup_(secret_freep) Secret *s = NULL;
        struct iovec iov = {};
        struct msghdr m = {.msg_iov = &iov};
        size_t size;
        ssize_t n;
        int r;

        r = next_size(fd, &size);
        if (r != 0)
                return r;

        r = secret_new(MIN_OF(size, (size_t) PROTO_RECORD_MAX), &s);
        if (r < 0) {
                ignore_result(recvmsg(fd, &m, MSG_DONTWAIT), "the record is dropped, else it would come again at once");
                return r;
        }

        m.msg_iovlen = 1;
        iov = (struct iovec) {.iov_base = secret_writable(s), .iov_len = secret_capacity(s)};
        do
                n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        if (m.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
                return HANDOVER_E_VIOLATION;
        if (n == 0)
                return HANDOVER_E_CLOSED;

        secret_set_size(s, (size_t) n);
        *ret = TAKE_PTR(s);
        return 0;
}
