/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/calld/gateway/rig.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/msg-certificates.h"
#include "common/msg-connection.h"
#include "common/msg-hello.h"
#include "common/msg-profile.h"
#include "common/msg-snapshot.h"

static Buf *next_record(Rig *r) {
        Buf *b;

        ASSERT(r->keyd->n_records < FAKE_RECORDS_MAX);
        b = &r->keyd->records[r->keyd->n_records++];
        *b = (Buf) BUF_INIT(PROTO_RECORD_MAX);
        return b;
}

static void state_snapshot(Rig *r) {
        MsgSnapshot m = {
                .revision = 1,
                .mid_name = SPAN_LITERAL("mid-test-01"),
                .max_calls = 5,
                .max_calls_per_user = 3,
                .max_header_bytes = 16 * 1024,
                .header_timeout_usec = USEC_PER_SEC,
                .idle_timeout_usec = 2 * USEC_PER_SEC,
                .tcp_token = SPAN_LITERAL(RIG_TOKEN),
        };

        ASSERT(msg_snapshot_encode(next_record(r), &m) == 0);
}

static void state_profiles(Rig *r) {
        _cleanup_(buf_done) Buf cas = BUF_INIT(65536), chain = BUF_INIT(65536), chain2 = BUF_INIT(65536);
        MsgCertificates set = {.last = true};
        MsgProfile p = {
                .name = SPAN_LITERAL("mauth"),
                .generation = 3,
                .default_port = 443,
                .minimum_tls = TLS_VERSION_1_2,
                .key_type = SPAN_LITERAL("ec-p256"),
                .not_before = 1000000000,
                .not_after = 4000000000,
        };
        MsgProfile second, broken = {
                                   .name = SPAN_LITERAL("broken"),
                                   .state = PROTO_STATE_UNAVAILABLE,
                                   .reason = SPAN_LITERAL("the password of x.p12 is wrong"),
                                   .hint = SPAN_LITERAL("Correct Password=."),
                                   .default_port = 443,
                                   .minimum_tls = TLS_VERSION_1_2,
                           };

        credentials_append(&cas, r->ca);
        credentials_append(&chain, r->certificate);
        SHA256(cas.data, cas.size, set.set_id);
        set.certificates = buf_span(&cas);
        memcpy(p.ca_set, set.set_id, sizeof(p.ca_set));
        p.chain = buf_span(&chain);
        ASSERT(msg_certificates_encode(next_record(r), &set) == 0);
        ASSERT(msg_profile_encode(next_record(r), &p) == 0);
        ASSERT(msg_profile_encode(next_record(r), &broken) == 0);
        credentials_append(&chain2, r->certificate2);
        second = p;
        second.name = SPAN_LITERAL("second");
        second.chain = buf_span(&chain2);
        ASSERT(msg_profile_encode(next_record(r), &second) == 0);
        p.name = SPAN_LITERAL("strict");
        p.minimum_tls = TLS_VERSION_1_3;
        ASSERT(msg_profile_encode(next_record(r), &p) == 0);
}

static MsgConnection connection(const char *alias, uint16_t port) {
        return (MsgConnection) {
                .alias = span_from_string(alias),
                .profile = SPAN_LITERAL("mauth"),
                .host = SPAN_LITERAL("localhost"),
                .port = port,
                .connect_timeout_usec = 5 * USEC_PER_SEC,
                .timeout_usec = 20 * USEC_PER_SEC,
                .max_request_bytes = 16 * 1024 * 1024,
                .max_response_bytes = 16 * 1024 * 1024,
                .session_resumption = true,
        };
}

static void state(Rig *r, const MsgConnection *m) {
        ASSERT(msg_connection_encode(next_record(r), m) == 0);
}

static void state_plain(Rig *r, const char *alias, uint16_t port) {
        MsgConnection m = connection(alias, port);

        state(r, &m);
}

static void state_limits(Rig *r) {
        MsgConnection m;

        m = connection("small", r->tls13->port);
        m.max_request_bytes = m.max_response_bytes = 1024;
        state(r, &m);
        m = connection("slow", r->tls13->port);
        m.timeout_usec = USEC_PER_SEC;
        state(r, &m);
        m = connection("mute", r->mute->port);
        m.connect_timeout_usec = USEC_PER_SEC;
        state(r, &m);
        m = connection("denied", r->tls13->port);
        ASSERT(text_list_add(&m.allow_users, SPAN_LITERAL("4000000")) == 0);
        state(r, &m);
        m = connection("paths", r->tls13->port);
        ASSERT(text_list_add(&m.allow_methods, SPAN_LITERAL("GET")) == 0 && text_list_add(&m.allow_paths, SPAN_LITERAL("/bytes/*")) == 0);
        state(r, &m);
        m = connection("open", r->tls13->port);
        ASSERT(text_list_add(&m.allow_users, SPAN_LITERAL("*")) == 0);
        state(r, &m);
        m = connection("address", r->tls13->port);
        ASSERT(text_list_add(&m.deny_addresses, SPAN_LITERAL("loopback")) == 0);
        state(r, &m);
}

static void state_connections(Rig *r) {
        MsgConnection m;

        state_plain(r, "tls12", r->tls12->port);
        m = connection("tls13", r->tls13->port);
        ASSERT(text_list_add(&m.header_names, SPAN_LITERAL("X-Tenant")) == 0 && text_list_add(&m.header_values, SPAN_LITERAL("42")) == 0);
        state(r, &m);
        m = connection("base", r->tls13->port);
        m.base_path = SPAN_LITERAL("/api/v2");
        state(r, &m);
        m = connection("broken", r->tls13->port);
        m.profile = SPAN_LITERAL("broken");
        state(r, &m);
        m = connection("strict", r->tls12->port);
        m.profile = SPAN_LITERAL("strict");
        state(r, &m);
        m = connection("nodns", 443);
        m.host = SPAN_LITERAL("nx.invalid");
        state(r, &m);
        for (size_t i = 0; i < 2; i++) {
                /* to one and the same server */
                m = connection(i == 0 ? "as-mid" : "as-mid13", i == 0 ? r->tls12->port : r->tls13->port);
                state(r, &m);
                m = connection(i == 0 ? "as-second" : "as-second13", i == 0 ? r->tls12->port : r->tls13->port);
                m.profile = SPAN_LITERAL("second");
                state(r, &m);
        }
        state_plain(r, "closed", 1);
        state_plain(r, "nobody", r->nobody->port);
        state_plain(r, "nobody12", r->nobody12->port);
        state_plain(r, "refuses12", r->refuses12->port);
        state_plain(r, "refuses13", r->refuses13->port);
        state_plain(r, "stranger", r->stranger->port);
        state_plain(r, "wrongname", r->wrongname->port);
        state_plain(r, "plain", r->plain->port);
        state_limits(r);
        ASSERT(msg_empty_encode(next_record(r), MSG_SNAPSHOT_END) == 0);
}

/* A server whose certificate for @name @issuer_key signed. */
static FarServer *start_server(EVP_PKEY *issuer_key, X509 *issuer, const char *name, FarOptions o) {
        FarServer *s;

        o.key = credentials_make_key("ec-p256");
        o.certificate = credentials_make_certificate(o.key, name, issuer_key, issuer);
        s = far_server_new(&o);
        EVP_PKEY_free(o.key);
        X509_free(o.certificate);
        return s;
}

static void start_servers(Rig *r) {
        FarOptions v12 = {.client_ca = r->ca, .tls_version = TLS1_2_VERSION}, v13 = {.client_ca = r->ca, .tls_version = TLS1_3_VERSION};

        r->tls12 = start_server(r->ca_key, r->ca, "localhost", v12);
        r->tls13 = start_server(r->ca_key, r->ca, "localhost", v13);
        r->stranger = start_server(r->other_key, r->other_ca, "localhost", v13);
        r->wrongname = start_server(r->ca_key, r->ca, "elsewhere.test", v12);
        v12.client_ca = v13.client_ca = r->other_ca;
        r->refuses12 = start_server(r->ca_key, r->ca, "localhost", v12);
        r->refuses13 = start_server(r->ca_key, r->ca, "localhost", v13);
        v12.client_ca = v13.client_ca = NULL;
        r->nobody = start_server(r->ca_key, r->ca, "localhost", v13);
        r->nobody12 = start_server(r->ca_key, r->ca, "localhost", v12);
        v12.plain = v13.mute = true;
        r->plain = start_server(r->ca_key, r->ca, "localhost", v12);
        r->mute = start_server(r->ca_key, r->ca, "localhost", v13);
}

static void stop_servers(Rig *r) {
        FarServer *const servers[] = {r->tls12,     r->tls13,  r->stranger, r->wrongname, r->refuses12,
                                      r->refuses13, r->nobody, r->nobody12, r->plain,     r->mute};

        for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
                far_server_free(servers[i]);
}

static void listen_socket(Rig *r) {
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(r->folder, sizeof(r->folder), "/tmp/midtls-rig-XXXXXX");
        ASSERT(mkdtemp(r->folder));
        snprintf(r->socket, sizeof(r->socket), "%s/calld.sock", r->folder);
        snprintf(r->log, sizeof(r->log), "%s/log", r->folder);
        memcpy(address.sun_path, r->socket, strlen(r->socket));
        r->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT(r->listen_fd >= 0 && bind(r->listen_fd, (struct sockaddr *) &address, sizeof(address)) == 0 && listen(r->listen_fd, 64) == 0);
}

static void listen_tcp(Rig *r) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t size = sizeof(address);

        r->tcp_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ASSERT(r->tcp_fd >= 0 && bind(r->tcp_fd, (struct sockaddr *) &address, sizeof(address)) == 0 && listen(r->tcp_fd, 64) == 0);
        ASSERT(getsockname(r->tcp_fd, (struct sockaddr *) &address, &size) == 0);
        r->tcp_port = ntohs(address.sin_port);
}

/* As a service manager does; the sandbox is off, so that a sanitizer can look for leaks at the end. */
static void start_calld(Rig *r) {
        char option[128], pid[16];
        int log, unix_fd, tcp_fd;

        snprintf(option, sizeof(option), "--keyd-socket=%s", r->keyd->path);
        r->calld = fork();
        ASSERT(r->calld >= 0);
        if (r->calld > 0)
                return;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        log = open(r->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        /* first out of the way, so that none is overwritten before it is moved */
        unix_fd = fcntl(r->listen_fd, F_DUPFD_CLOEXEC, 64);
        tcp_fd = fcntl(r->tcp_fd, F_DUPFD_CLOEXEC, 64);
        if (log < 0 || dup2(log, 2) != 2 || dup2(unix_fd, 3) != 3 || dup2(tcp_fd, 4) != 4)
                _exit(125);
        snprintf(pid, sizeof(pid), "%d", (int) getpid());
        setenv("LISTEN_PID", pid, 1);
        setenv("LISTEN_FDS", "2", 1);
        setenv("LISTEN_FDNAMES", "calld:calld-tcp", 1);
        execl(CALLD, CALLD, option, "--log=json", "--sandbox=off", NULL);
        _exit(126);
}

Rig *rig_new(void) {
        Rig *r = calloc(1, sizeof(*r));

        ASSERT(r);
        r->ca_key = credentials_make_key("ec-p256");
        r->ca = credentials_make_certificate(r->ca_key, "Test CA", r->ca_key, NULL);
        r->other_key = credentials_make_key("ec-p256");
        r->other_ca = credentials_make_certificate(r->other_key, "Other CA", r->other_key, NULL);
        r->key = credentials_make_key("ec-p256");
        r->certificate = credentials_make_certificate(r->key, "mid", r->ca_key, r->ca);
        r->certificate2 = credentials_make_certificate(r->key, "second", r->ca_key, r->ca);
        r->keyd = fake_keyd_new(r->key);
        start_servers(r);
        state_snapshot(r);
        state_profiles(r);
        state_connections(r);
        fake_keyd_start(r->keyd);
        listen_socket(r);
        listen_tcp(r);
        start_calld(r);
        return r;
}

int rig_stop(Rig *r) {
        int status = -1;

        if (r->calld > 0) {
                kill(r->calld, SIGTERM);
                ASSERT(waitpid(r->calld, &status, 0) == r->calld);
        }
        r->calld = 0;
        return status;
}

Rig *rig_free(Rig *r) {
        if (r->calld > 0 && rig_stop(r) != 0) {
                rig_show_reports(r);
                abort();
        }
        r->keyd = fake_keyd_free(r->keyd);
        stop_servers(r);
        close(r->listen_fd);
        close(r->tcp_fd);
        unlink(r->socket);
        unlink(r->log);
        rmdir(r->folder);
        X509_free(r->other_ca);
        EVP_PKEY_free(r->other_key);
        X509_free(r->ca);
        X509_free(r->certificate);
        X509_free(r->certificate2);
        EVP_PKEY_free(r->ca_key);
        EVP_PKEY_free(r->key);
        free(r);
        return NULL;
}

void rig_call(Rig *r, const char *alias, const char *method, const char *target, const char *fields, Span body, HttpAnswer *ret) {
        _cleanup_fd_ int fd = http_connect(r->socket);

        http_send_text(fd, "%s %s HTTP/1.1\r\nHost: %s\r\n%s", method, target, alias, fields);
        if (body.data)
                http_send_text(fd, "Content-Length: %zu\r\n", body.size);
        http_send_text(fd, "\r\n");
        http_send(fd, body.data, body.size);
        http_receive(fd, strcmp(method, "HEAD") == 0, ret);
}

static bool log_has(Rig *r, const char *text, const char *with) {
        _cleanup_fclose_ FILE *f = fopen(r->log, "re");
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        while (f && getline(&line, &size, f) > 0)
                if (strstr(line, text) && (!with || strstr(line, with)))
                        return true;
        return false;
}

void rig_wait_calls(Rig *r, unsigned n_calls) {
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);
        char line[64];
        bool found;

        snprintf(line, sizeof(line), "\nmidtls_calls_in_flight %u\n", n_calls);
        do {
                _cleanup_(http_answer_done) HttpAnswer a = HTTP_ANSWER_INIT;

                rig_call(r, "midtls", "GET", "/metrics", "", (Span) {}, &a);
                ASSERT(a.status == 200 && now_usec() < deadline);
                found = memmem(a.body.data, a.body.size, line, strlen(line));
        } while (!found);
}

static void show_log(Rig *r, bool records) {
        _cleanup_fclose_ FILE *f = fopen(r->log, "re");
        _cleanup_free_ char *line = NULL;
        size_t size = 0;

        while (f && getline(&line, &size, f) > 0)
                if (records || line[0] != '{')
                        fputs(line, stderr);
}

void rig_wait_log(Rig *r, const char *text, const char *with) {
        uint64_t deadline = deadline_after(10 * USEC_PER_SEC);

        while (!log_has(r, text, with)) {
                if (now_usec() >= deadline) {
                        fprintf(stderr, "no record with %s and %s within 10 s:\n", text, with ? with : "anything");
                        show_log(r, true);
                        abort();
                }
                poll(NULL, 0, 5);
        }
}

void rig_show_reports(Rig *r) {
        show_log(r, false);
}

int rig_set_up(void **state) {
        *state = rig_new();
        return 0;
}

int rig_tear_down(void **state) {
        *state = rig_free(*state);
        return 0;
}
