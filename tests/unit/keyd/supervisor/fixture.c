/* SPDX-License-Identifier: Apache-2.0 */

#include "tests/unit/keyd/supervisor/fixture.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "common/chan.h"
#include "common/log.h"
#include "common/msg-hello.h"

#define POLL_MS 5

static void pause_briefly(uint64_t deadline_usec) {
        ASSERT(now_usec() < deadline_usec);
        poll(NULL, 0, POLL_MS);
}

static int make_socket(const char *path) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        ASSERT(strlen(path) < sizeof(a.sun_path));
        memcpy(a.sun_path, path, strlen(path));
        ASSERT(fd >= 0 && bind(fd, (const struct sockaddr *) &a, sizeof(a)) == 0 && listen(fd, 64) == 0 && chmod(path, 0777) == 0);
        return fd;
}

static void path_of(const Fixture *f, const char *name, char ret[128]) {
        snprintf(ret, 128, "%s/%s", f->root, name);
}

void fixture_write_file(Fixture *f, const char *name, const char *text) {
        char path[128];
        FILE *file;

        path_of(f, name, path);
        file = fopen(path, "we");
        ASSERT(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

void fixture_set_mode(Fixture *f, const char *mode) {
        fixture_write_file(f, "etc/mode", mode);
}

void fixture_let_go(Fixture *f) {
        fixture_write_file(f, "etc.go", "");
}

void fixture_link_role(Fixture *f, const char *role, const char *program) {
        char path[128];

        path_of(f, role, path);
        unlink(path);
        ASSERT(symlink(program, path) == 0);
}

void fixture_init(Fixture *f, const char *toy) {
        static const char *const roles[] = {"bin/keyd-signer", "bin/keyd-verifier", "bin/keyd-loader"};
        char path[128];

        *f = (Fixture) {.root = "/tmp/midtls-supervisor-XXXXXX"};
        ASSERT(mkdtemp(f->root) && chmod(f->root, 0755) == 0);
        ASSERT(realpath(toy, f->toy));
        path_of(f, "bin", path);
        ASSERT(mkdir(path, 0755) == 0);
        path_of(f, "etc", path);
        ASSERT(mkdir(path, 0755) == 0);
        for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
                fixture_link_role(f, roles[i], f->toy);
        fixture_set_mode(f, "good");

        path_of(f, "keyd.sock", f->listen);
        path_of(f, "admin.sock", f->admin);
        f->listen_fd = make_socket(f->listen);
        f->admin_fd = make_socket(f->admin);

        supervisor_parameters_init(&f->p);
        f->p.listen_fd = f->listen_fd;
        f->p.admin_fd = f->admin_fd;
        f->p.retry_usec = USEC_PER_MINUTE;
        f->p.debounce_usec = 50 * USEC_PER_MSEC;
}

static _noreturn_ void run(Fixture *f) {
        char bin[128], etc[128];

        ASSERT(prctl(PR_SET_PDEATHSIG, SIGTERM) == 0);
        path_of(f, "bin", bin);
        path_of(f, "etc", etc);
        f->p.executables = bin;
        f->p.config_dir = etc;
        ASSERT(setenv("CREDENTIALS_DIRECTORY", "/nowhere", 1) == 0 && setenv("SECRET_OF_PARENT", "x", 1) == 0 &&
               setenv("NOTIFY_SOCKET", "/nowhere/notify", 1) == 0);
        /* A role that is killed while it looks for leaks leaves its tracer behind: that is no child of ours. */
        ASSERT(setenv("ASAN_OPTIONS", "detect_leaks=0", 1) == 0);
        log_open("keyd", LOG_TARGET_CONSOLE);

        exit(supervisor_run(&f->p) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

void fixture_start(Fixture *f, bool loaded) {
        Answer a;

        f->pid = fork();
        ASSERT(f->pid >= 0);
        if (f->pid == 0)
                run(f);
        if (loaded)
                fixture_wait_revision(f, 1, &a);
}

int fixture_wait(Fixture *f) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);
        int status;

        while (waitpid(f->pid, &status, WNOHANG) != f->pid)
                pause_briefly(deadline_usec);

        f->pid = 0;
        return status;
}

void fixture_done(Fixture *f) {
        static const char *const files[] = {"bin/keyd-signer", "bin/keyd-verifier", "bin/keyd-loader", "etc/mode", "etc/key", "etc.told",
                                            "etc.go",          "keyd.sock",         "admin.sock"};
        char path[128];

        if (f->pid > 0) {
                kill(f->pid, SIGTERM);
                fixture_wait(f);
        }
        close(f->listen_fd);
        close(f->admin_fd);
        for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
                path_of(f, files[i], path);
                unlink(path);
        }
        path_of(f, "bin", path);
        rmdir(path);
        path_of(f, "etc", path);
        rmdir(path);
        ASSERT(rmdir(f->root) == 0);
}

static unsigned count_lines(const char *text) {
        unsigned n = 0;

        for (; *text; text++)
                n += *text == '\n';
        return n;
}

char *fixture_told(Fixture *f, unsigned n) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);
        char path[128];

        path_of(f, "etc.told", path);
        for (;;) {
                char *text = calloc(1, 16384);
                FILE *file = fopen(path, "re");

                ASSERT(text);
                if (file) {
                        size_t size = fread(text, 1, 16383, file);

                        text[size] = 0;
                        fclose(file);
                }
                if (count_lines(text) >= n)
                        return text;
                free(text);
                pause_briefly(deadline_usec);
        }
}

bool fixture_call(Fixture *f, Answer *ret) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        _cleanup_free_ char *text = NULL;
        _cleanup_fd_ int fd = -1;
        int r;

        ASSERT(chan_connect(f->listen, deadline_after(FIXTURE_DEADLINE_USEC), &fd) == 0);
        r = chan_receive(fd, &record, deadline_after(FIXTURE_DEADLINE_USEC));
        ASSERT(r != -ETIMEDOUT);
        if (r != 0)
                return false;

        ASSERT(span_to_string(buf_span(&record), &text) == 0);
        ASSERT(sscanf(text, "pid=%d revision=%llu records=%u fds=%u told_more=%u", &ret->pid, &ret->revision, &ret->n_records, &ret->n_fds,
                      &ret->told_more) == 5);
        return true;
}

void fixture_wait_revision(Fixture *f, unsigned long long revision, Answer *ret) {
        uint64_t deadline_usec = deadline_after(FIXTURE_DEADLINE_USEC);

        while (!fixture_call(f, ret) || ret->revision < revision)
                pause_briefly(deadline_usec);
        ASSERT(ret->revision == revision);
}

/* admin */

int fixture_connect_admin(Fixture *f) {
        int fd;

        ASSERT(chan_connect(f->admin, deadline_after(FIXTURE_DEADLINE_USEC), &fd) == 0);
        return fd;
}

void fixture_status(Fixture *f, Status *ret) {
        static const uint8_t request = ADMIN_STATUS;
        _cleanup_fd_ int fd = fixture_connect_admin(f);

        *ret = (Status) {.record = BUF_INIT(PROTO_RECORD_MAX)};
        ASSERT(chan_send(fd, span_make(&request, 1), deadline_after(FIXTURE_DEADLINE_USEC)) == 0);
        ASSERT(chan_receive(fd, &ret->record, deadline_after(FIXTURE_DEADLINE_USEC)) == 0);
        ASSERT(ret->record.data[0] == ADMIN_STATUS_ANSWER);
        ASSERT(msg_admin_status_decode(span_make(ret->record.data + 1, ret->record.size - 1), &ret->m) == 0);
}

void fixture_ask_reload(int fd, bool dry_run) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReload m = {.dry_run = dry_run};

        ASSERT(msg_admin_reload_encode(&record, &m) == 0);
        ASSERT(chan_send(fd, buf_span(&record), deadline_after(FIXTURE_DEADLINE_USEC)) == 0);
}

uint32_t fixture_take_reloaded(int fd, char **ret_text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX), text = BUF_INIT(65536);
        MsgAdminReloaded end;
        MsgAdminReport m;

        for (;;) {
                Span body;

                ASSERT(chan_receive(fd, &record, deadline_after(FIXTURE_DEADLINE_USEC)) == 0);
                body = span_make(record.data + 1, record.size - 1);
                if (record.data[0] == ADMIN_RELOADED)
                        break;
                ASSERT(record.data[0] == ADMIN_REPORT && msg_admin_report_decode(body, &m) == 0);
                ASSERT(buf_printf(&text, "%s: %.*s\n", admin_what_to_string(m.what), (int) m.sentence.size, (const char *) m.sentence.data) == 0);
        }

        ASSERT(msg_admin_reloaded_decode(span_make(record.data + 1, record.size - 1), &end) == 0);
        if (ret_text)
                ASSERT(span_to_string(buf_span(&text), ret_text) == 0);
        return end.n_failed;
}

uint32_t fixture_reload(Fixture *f, bool dry_run, char **ret_text) {
        _cleanup_fd_ int fd = fixture_connect_admin(f);

        fixture_ask_reload(fd, dry_run);
        return fixture_take_reloaded(fd, ret_text);
}
