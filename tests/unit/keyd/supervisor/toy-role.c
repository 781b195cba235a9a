/* SPDX-License-Identifier: Apache-2.0 */

/*
 * toy-role: plays keyd-signer, keyd-verifier or keyd-loader, as its name says
 *
 * The verifier answers each caller with what it has of the snapshot. The loader does what FOLDER/mode says and notes in FOLDER/told
 * what it was told: one line a load.
 */

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "common/chan.h"
#include "common/msg-admin.h"
#include "common/msg-hello.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-snapshot.h"

#define DEADLINE_USEC (20 * USEC_PER_SEC)

static void send_record(int fd, const Buf *record) {
        ASSERT(chan_send(fd, buf_span(record), deadline_after(DEADLINE_USEC)) == 0);
}

static void send_ready(const char *text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgReady m = {.text = span_from_string(text)};

        ASSERT(msg_ready_encode(&record, &m) == 0);
        send_record(ROLE_FD_CONTROL, &record);
}

static unsigned count_fds(void) {
        DIR *d = opendir("/proc/self/fd");
        struct dirent *e;
        unsigned n = 0;

        ASSERT(d);
        while ((e = readdir(d)))
                n += e->d_name[0] != '.';
        closedir(d);
        return n - 1; /* the folder's own */
}

/* verifier and signer */

typedef struct Seen {
        uint64_t revision, building;
        unsigned n_records, n_building;
} Seen;

static void see(Seen *seen, Span record) {
        MsgSnapshot m;

        if (record.data[0] == MSG_SNAPSHOT) {
                ASSERT(msg_snapshot_decode(span_make(record.data + 1, record.size - 1), &m) == 0);
                seen->building = m.revision;
                seen->n_building = 0;
        }
        seen->n_building++;
        if (record.data[0] == MSG_SNAPSHOT_END) {
                seen->revision = seen->building;
                seen->n_records = seen->n_building;
        }
}

static void answer_caller(const Seen *seen, int caller) {
        char text[128];
        bool told_more = getenv("CREDENTIALS_DIRECTORY") || getenv("SECRET_OF_PARENT") || getenv("NOTIFY_SOCKET");
        int n = snprintf(text, sizeof(text), "pid=%d revision=%" PRIu64 " records=%u fds=%u told_more=%d", (int) getpid(), seen->revision,
                         seen->n_records, count_fds(), told_more);

        ASSERT(send(caller, text, (size_t) n, MSG_NOSIGNAL) == n);
        close(caller);
}

/* Return: false at the end */
static bool serve_one(Seen *seen) {
        static uint8_t bytes[PROTO_RECORD_MAX];
        union {
                struct cmsghdr header;
                uint8_t space[CMSG_SPACE(sizeof(int))];
        } control;
        struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
        struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        struct pollfd p = {.fd = ROLE_FD_CONTROL, .events = POLLIN};
        ssize_t n;
        int caller;

        ASSERT(poll(&p, 1, -1) == 1);
        n = recvmsg(ROLE_FD_CONTROL, &m, MSG_CMSG_CLOEXEC);
        if (n <= 0)
                return false;

        if (bytes[0] != ROLE_CALLER) {
                see(seen, span_make(bytes, (size_t) n));
                return true;
        }
        ASSERT(m.msg_controllen > 0);
        memcpy(&caller, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(caller));
        answer_caller(seen, caller);
        return true;
}

static int serve(const char *text) {
        Seen seen = {};

        send_ready(text);
        while (serve_one(&seen))
                continue;
        return 0;
}

/* loader */

typedef struct Toy {
        const char *folder;
        char mode[32];
        MsgLoad load;
        uint64_t last_generation;
        unsigned n_previous;
} Toy;

static void read_mode(Toy *t) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/mode", t->folder);
        f = fopen(path, "re");
        ASSERT(f && fscanf(f, "%31s", t->mode) == 1);
        fclose(f);
}

static void take_generation(Toy *t, Span body) {
        MsgGeneration m;

        ASSERT(msg_generation_decode(body, &m) == 0);
        if (span_is(m.profile, "toy"))
                t->last_generation = m.last;
}

static void read_request(Toy *t) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        ASSERT(chan_receive(ROLE_FD_CONTROL, &record, deadline_after(DEADLINE_USEC)) == 0);
        ASSERT(record.data[0] == ROLE_LOAD && msg_load_decode(span_make(record.data + 1, record.size - 1), &t->load) == 0);
        for (;;) {
                ASSERT(chan_receive(ROLE_FD_CONTROL, &record, deadline_after(DEADLINE_USEC)) == 0);
                if (record.data[0] == ROLE_LOAD_END)
                        return;
                if (record.data[0] == ROLE_GENERATION)
                        take_generation(t, span_make(record.data + 1, record.size - 1));
                else
                        t->n_previous++;
        }
}

static void note(const Toy *t, char *text, size_t size) {
        char path[256];
        int fd;

        snprintf(text, size, "mode=%s resend=%d empty=%d dry=%d quiet=%d previous=%u last=%" PRIu64 " keys=%d fds=%u credentials=%d notify=%d pid=%d",
                 t->mode, t->load.resend_keys, t->load.signer_is_empty, t->load.dry_run, t->load.quiet, t->n_previous, t->last_generation,
                 fcntl(ROLE_FD_KEYS, F_GETFD) >= 0, count_fds(), getenv("CREDENTIALS_DIRECTORY") != NULL, getenv("NOTIFY_SOCKET") != NULL,
                 (int) getpid());

        snprintf(path, sizeof(path), "%s.told", t->folder);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ASSERT(fd >= 0 && dprintf(fd, "%s\n", text) > 0);
        close(fd);
}

static void send_report(const char *text) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgAdminReport m = {.profile = SPAN_LITERAL("toy"), .what = ADMIN_WHAT_LOADED, .sentence = span_from_string(text)};

        ASSERT(msg_admin_report_encode(&record, &m) == 0);
        send_record(ROLE_FD_CONTROL, &record);
}

static void send_watch(const char *folder) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgWatch m = {.folder = span_from_string(folder), .name = SPAN_LITERAL("key")};

        ASSERT(msg_watch_encode(&record, &m) == 0);
        send_record(ROLE_FD_CONTROL, &record);
}

static void send_snapshot(const Toy *t, bool changed) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgSnapshot m = {.revision = t->load.revision, .mid_name = SPAN_LITERAL("mid")};
        const MsgProfile p = {.name = SPAN_LITERAL("toy"), .generation = changed ? t->last_generation + 1 : 1, .minimum_tls = TLS_VERSION_1_2};

        ASSERT(msg_snapshot_encode(&record, &m) == 0);
        send_record(ROLE_FD_CONTROL, &record);
        if (strcmp(t->mode, "gone") == 0)
                return;
        buf_clear(&record);
        ASSERT(msg_profile_encode(&record, &p) == 0);
        send_record(ROLE_FD_CONTROL, &record);
}

static void send_end(void) {
        const uint8_t end = MSG_SNAPSHOT_END;

        ASSERT(chan_send(ROLE_FD_CONTROL, span_make(&end, 1), deadline_after(DEADLINE_USEC)) == 0);
}

/* Until the test has made FOLDER.go */
static void hold(const Toy *t) {
        char path[256];

        snprintf(path, sizeof(path), "%s.go", t->folder);
        while (access(path, F_OK) < 0)
                poll(NULL, 0, 5);
}

static int load(const char *folder) {
        Toy t = {.folder = folder};
        char text[256];

        read_mode(&t);
        read_request(&t);
        note(&t, text, sizeof(text));
        send_watch(folder);

        if (strcmp(t.mode, "hang") == 0)
                for (;;)
                        pause();
        if (strcmp(t.mode, "hold") == 0)
                hold(&t);
        if (strcmp(t.mode, "early") == 0)
                send_end();
        send_report(text);
        if (strcmp(t.mode, "silent") == 0)
                return 0;
        send_snapshot(&t, strcmp(t.mode, "same") != 0);
        if (strcmp(t.mode, "cut") == 0)
                return 0;
        send_end();
        return strcmp(t.mode, "nonzero") == 0;
}

int main(int argc, char *argv[]) {
        const char *name = strrchr(argv[0], '/');
        const char *folder = NULL;

        for (int i = 1; i < argc; i++)
                if (strncmp(argv[i], "--config-dir=", 13) == 0)
                        folder = argv[i] + 13;
                else if (strcmp(argv[i], "--log=mute") == 0) /* lives, but is never ready */
                        for (;;)
                                pause();

        if (name && strcmp(name, "/keyd-loader") == 0 && folder)
                return load(folder);
        return serve("toy memory");
}
