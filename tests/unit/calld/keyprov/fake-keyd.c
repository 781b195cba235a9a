/* SPDX-License-Identifier: Apache-2.0 */

#include <fcntl.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/chan.h"
#include "common/msg-hello.h"
#include "common/msg-refusal.h"
#include "common/msg-sign.h"
#include "tests/unit/calld/keyprov/fake-keyd.h"

#define FAKE_CLIENTS_MAX 8U

/* SHA-256 of "HelloRetryRequest": RFC 8446, 4.1.3 */
static const uint8_t retry_random[32] = {
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
        0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

static void append(Buf *b, const void *data, size_t size) {
        ASSERT(buf_append(b, data, size) == 0);
}

/* RFC 8446, 4.4.1, with the synthetic message_hash for a HelloRetryRequest, and 4.4.3 */
void fake_keyd_tbs(Span transcript, uint16_t tls_version, Buf *ret) {
        static const char context[] = "TLS 1.3, client CertificateVerify";
        _cleanup_(buf_done) Buf hashed = BUF_INIT(PROTO_TRANSCRIPT_MAX);
        uint8_t spaces[64], digest[EVP_MAX_MD_SIZE];
        const EVP_MD *md = NULL;
        unsigned size;
        WireReader r;

        if (tls_version == TLS_VERSION_1_2) {
                append(ret, transcript.data, transcript.size);
                return;
        }

        wire_reader_init(&r, transcript);
        while (wire_reader_more(&r)) {
                const uint8_t *start = r.rest.data;
                uint8_t type = wire_get_u8(&r);
                Span body = wire_get_vector(&r, 3, 0, 0xffffff);

                if (type == 2) {
                        WireReader hello;
                        uint16_t suite;

                        wire_reader_init(&hello, body);
                        wire_get_fixed(&hello, 34);
                        wire_get_vector(&hello, 1, 0, 32);
                        suite = wire_get_u16(&hello);
                        md = suite == 0x1302 ? EVP_sha384() : EVP_sha256();
                        if (memcmp(body.data + 2, retry_random, 32) == 0) {
                                uint8_t head[4] = {254, 0, 0, (uint8_t) EVP_MD_get_size(md)};

                                ASSERT(EVP_Digest(hashed.data, hashed.size, digest, &size, md, NULL) == 1);
                                buf_clear(&hashed);
                                append(&hashed, head, sizeof(head));
                                append(&hashed, digest, size);
                        }
                }
                append(&hashed, start, body.size + 4);
        }
        ASSERT(!r.failed && md);
        ASSERT(EVP_Digest(hashed.data, hashed.size, digest, &size, md, NULL) == 1);

        memset(spaces, 0x20, sizeof(spaces));
        append(ret, spaces, sizeof(spaces));
        append(ret, context, sizeof(context));
        append(ret, digest, size);
}

static const EVP_MD *scheme_digest(uint16_t scheme) {
        switch (scheme) {
        case TLS_SCHEME_RSA_PKCS1_SHA256:
        case TLS_SCHEME_ECDSA_SECP256R1_SHA256:
        case TLS_SCHEME_RSA_PSS_RSAE_SHA256:
                return EVP_sha256();
        case TLS_SCHEME_RSA_PKCS1_SHA384:
        case TLS_SCHEME_ECDSA_SECP384R1_SHA384:
        case TLS_SCHEME_RSA_PSS_RSAE_SHA384:
                return EVP_sha384();
        case TLS_SCHEME_ED25519:
        case TLS_SCHEME_ED448:
                return NULL;
        default:
                return EVP_sha512();
        }
}

static size_t sign(FakeKeyd *f, const MsgSign *m, uint8_t *signature, size_t size) {
        bool pss = m->scheme == TLS_SCHEME_RSA_PSS_RSAE_SHA256 || m->scheme == TLS_SCHEME_RSA_PSS_RSAE_SHA384 ||
                   m->scheme == TLS_SCHEME_RSA_PSS_RSAE_SHA512;
        _cleanup_(buf_done) Buf tbs = BUF_INIT(PROTO_TRANSCRIPT_MAX);
        EVP_MD_CTX *ctx = EVP_MD_CTX_new();
        EVP_PKEY_CTX *pctx = NULL;

        fake_keyd_tbs(m->transcript, m->tls_version, &tbs);
        ASSERT(EVP_DigestSignInit(ctx, &pctx, scheme_digest(m->scheme), NULL, f->key) == 1);
        if (pss) {
                ASSERT(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1);
                ASSERT(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1);
        }
        ASSERT(EVP_DigestSign(ctx, signature, &size, tbs.data, tbs.size) == 1);
        EVP_MD_CTX_free(ctx);
        f->n_signatures++;
        return size;
}

static void send_record(int fd, const Buf *record) {
        ignore_result(chan_send(fd, buf_span(record), deadline_after(USEC_PER_SEC)), "a client may have gone");
}

/* Return: false to close the connection */
static bool answer_sign(FakeKeyd *f, int fd, Span body) {
        _cleanup_(buf_done) Buf record = BUF_INIT(4096);
        uint8_t signature[PROTO_SIGNATURE_MAX] = {};
        MsgSignature answer = {};
        FakeMode mode = f->mode;
        MsgSign m;

        ASSERT(msg_sign_decode(body, &m) == 0);
        f->n_requests++;
        if (mode == FAKE_SILENT)
                return true;
        if (mode == FAKE_CLOSE)
                return false;
        if (mode == FAKE_GARBAGE) {
                append(&record, "\x42\x42", 2);
        } else if (mode == FAKE_REFUSE) {
                MsgRefusal refusal = {.request_id = m.request_id, .code = REFUSAL_SNI, .sentence = SPAN_LITERAL("the name is another one")};

                ASSERT(msg_refusal_encode(&record, &refusal) == 0);
        } else {
                answer.request_id = m.request_id + (mode == FAKE_WRONG_ID ? 1 : 0);
                answer.signature = span_make(signature, sign(f, &m, signature, sizeof(signature)));
                if (mode == FAKE_LONG)
                        answer.signature.size = PROTO_SIGNATURE_MAX;
                ASSERT(msg_signature_encode(&record, &answer) == 0);
        }

        send_record(fd, &record);
        if (mode == FAKE_TWICE)
                send_record(fd, &record);
        return true;
}

static bool answer(FakeKeyd *f, int fd, Span message) {
        _cleanup_(buf_done) Buf record = BUF_INIT(64);
        uint8_t type;
        Span body;

        ASSERT(msg_split(message, &type, &body) == 0);
        switch (type) {
        case MSG_HELLO:
                ASSERT(msg_hello_encode(&record, MSG_WELCOME, &(MsgHello) {.version = PROTO_VERSION + (f->mode == FAKE_OLD_VERSION ? 1 : 0)}) == 0);
                send_record(fd, &record);
                return true;

        case MSG_WATCH:
                for (size_t i = 0; i < f->n_records; i++)
                        send_record(fd, &f->records[i]);
                return true;

        case MSG_SIGN:
                return answer_sign(f, fd, body);

        default:
                return false;
        }
}

static void *fake_main(void *arg) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        struct pollfd p[2 + FAKE_CLIENTS_MAX];
        FakeKeyd *f = arg;
        size_t n = 2;

        p[0] = (struct pollfd) {.fd = f->stop_fds[0], .events = POLLIN};
        p[1] = (struct pollfd) {.fd = f->listen_fd, .events = POLLIN};
        for (;;) {
                ASSERT(poll(p, n, -1) > 0);
                if (p[0].revents)
                        break;

                for (size_t i = n; i-- > 2;) {
                        if (!p[i].revents)
                                continue;
                        if (chan_receive(p[i].fd, &record, 0) == 0 && answer(f, p[i].fd, buf_span(&record)))
                                continue;
                        close(p[i].fd);
                        p[i] = p[--n];
                }
                if (p[1].revents && n < ARRAY_SIZE(p)) {
                        f->n_connections++;
                        p[n++] = (struct pollfd) {.fd = accept4(f->listen_fd, NULL, NULL, SOCK_CLOEXEC), .events = POLLIN};
                        p[n - 1].revents = 0;
                }
        }

        for (size_t i = 2; i < n; i++)
                close(p[i].fd);
        return NULL;
}

FakeKeyd *fake_keyd_new(EVP_PKEY *key) {
        FakeKeyd *f = calloc(1, sizeof(*f));

        ASSERT(f);
        f->key = key;
        f->listen_fd = -1;
        snprintf(f->folder, sizeof(f->folder), "/tmp/midtls-fake-XXXXXX");
        ASSERT(mkdtemp(f->folder));
        snprintf(f->path, sizeof(f->path), "%s/keyd.sock", f->folder);
        return f;
}

int fake_keyd_connect(void *userdata, uint64_t deadline_usec, int *ret_fd) {
        FakeKeyd *f = userdata;

        return chan_connect(f->path, deadline_usec, ret_fd);
}

void fake_keyd_start(FakeKeyd *f) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        unlink(f->path);
        memcpy(address.sun_path, f->path, strlen(f->path));
        f->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        ASSERT(f->listen_fd >= 0 && bind(f->listen_fd, (struct sockaddr *) &address, sizeof(address)) == 0);
        ASSERT(listen(f->listen_fd, 16) == 0 && pipe2(f->stop_fds, O_CLOEXEC) == 0);
        ASSERT(pthread_create(&f->thread, NULL, fake_main, f) == 0);
}

void fake_keyd_stop(FakeKeyd *f) {
        if (f->listen_fd < 0)
                return;

        close(f->stop_fds[1]);
        ASSERT(pthread_join(f->thread, NULL) == 0);
        close(f->stop_fds[0]);
        close_fdp(&f->listen_fd);
}

FakeKeyd *fake_keyd_free(FakeKeyd *f) {
        fake_keyd_stop(f);
        for (size_t i = 0; i < f->n_records; i++)
                buf_done(&f->records[i]);
        unlink(f->path);
        rmdir(f->folder);
        free(f);
        return NULL;
}
