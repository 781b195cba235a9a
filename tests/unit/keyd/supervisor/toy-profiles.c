/* SPDX-License-Identifier: Apache-2.0 */

/*
 * toy-profiles: plays keyd-loader with several profiles
 *
 * FOLDER/mode has a letter for each: 'g' good, 's' good but slow, 'c' crashes, 'h' hangs, 'x' is read even when it is to be left out, and
 * crashes, 'v' waits for a vault, 'w' for one that never answers, twice. FOLDER.told has a line a load: what was left out, with 1 for who is put off. Profiles are named a, b, ...
 */

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "common/chan.h"
#include "common/msg-admin.h"
#include "common/msg-load.h"
#include "common/msg-profile.h"
#include "common/msg-quarantine.h"
#include "common/msg-snapshot.h"

#define DEADLINE_USEC (20 * USEC_PER_SEC)
#define SLOW_USEC (500 * USEC_PER_MSEC) /* five times what the test allows */
#define VAULT_MSEC 500                  /* more than a profile's time in the test */
#define ENDLESS_MSEC 900
#define PROFILES_MAX 26U

typedef struct Toy {
        const char *folder;
        char mode[PROFILES_MAX + 1];
        MsgLoad load;
        bool left_out[PROFILES_MAX], put_off[PROFILES_MAX];
} Toy;

static void read_mode(Toy *t) {
        char path[256];
        FILE *f;

        snprintf(path, sizeof(path), "%s/mode", t->folder);
        f = fopen(path, "re");
        ASSERT(f && fscanf(f, "%26s", t->mode) == 1);
        fclose(f);
}

static void take_left_out(Toy *t, Span body) {
        MsgQuarantine m;
        size_t i;

        ASSERT(msg_quarantine_decode(body, &m) == 0);
        ASSERT(m.profile.size == 1 && m.sentence.size > 0 && m.hint.size > 0);
        i = (size_t) (m.profile.data[0] - 'a');
        ASSERT(i < PROFILES_MAX);
        t->left_out[i] = true;
        t->put_off[i] = m.put_off;
}

static void read_request(Toy *t) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        do {
                ASSERT(chan_receive(ROLE_FD_CONTROL, &record, deadline_after(DEADLINE_USEC)) == 0);
                if (record.data[0] == ROLE_LOAD)
                        ASSERT(msg_load_decode(span_make(record.data + 1, record.size - 1), &t->load) == 0);
                if (record.data[0] == ROLE_QUARANTINE)
                        take_left_out(t, span_make(record.data + 1, record.size - 1));
        } while (record.data[0] != ROLE_LOAD_END);
}

static void note(const Toy *t) {
        char path[256], text[256] = "-";
        size_t n = 1;
        int fd;

        for (size_t i = 0; i < PROFILES_MAX; i++)
                if (t->left_out[i])
                        n += (size_t) snprintf(text + n, sizeof(text) - n, "%c%d", (int) ('a' + i), t->put_off[i]);

        snprintf(path, sizeof(path), "%s.told", t->folder);
        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        ASSERT(fd >= 0 && dprintf(fd, "%s\n", text) > 0);
        close(fd);
}

static void send_record(const Buf *record) {
        ASSERT(chan_send(ROLE_FD_CONTROL, buf_span(record), deadline_after(DEADLINE_USEC)) == 0);
}

static void send_progress(Span profile) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);

        ASSERT(msg_progress_encode(&record, &(MsgProgress) {.profile = profile}) == 0);
        send_record(&record);
}

static void burn(void) {
        struct timespec t;

        do
                ASSERT(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0);
        while ((uint64_t) t.tv_sec * USEC_PER_SEC + (uint64_t) t.tv_nsec / 1000 < SLOW_USEC);
}

static void wait_for_vault(Span profile, int ms) {
        send_progress((Span) {});
        poll(NULL, 0, ms);
        send_progress(profile);
}

static void crash(void) {
        const struct rlimit none = {};

        ASSERT(setrlimit(RLIMIT_CORE, &none) == 0);
        raise(SIGKILL);
}

static void read_profile(const Toy *t, size_t i) {
        char name = (char) ('a' + i), mode = t->mode[i];

        if (t->left_out[i] && mode != 'x')
                return;

        send_progress(span_make((const uint8_t *) &name, 1));
        if (mode == 'c' || mode == 'x')
                crash();
        if (mode == 'h')
                for (;;)
                        pause();
        if (mode == 's')
                burn();
        for (unsigned n = 0; n < 2 && (mode == 'v' || mode == 'w'); n++)
                wait_for_vault(span_make((const uint8_t *) &name, 1), mode == 'v' ? VAULT_MSEC : ENDLESS_MSEC);
}

static void publish(const Toy *t, size_t i) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char name = (char) ('a' + i);
        const MsgProfile m = {
                .name = span_make((const uint8_t *) &name, 1),
                .generation = !t->left_out[i],
                .state = t->left_out[i] ? PROTO_STATE_UNAVAILABLE : PROTO_STATE_READY,
                .minimum_tls = TLS_VERSION_1_2,
        };

        ASSERT(msg_profile_encode(&record, &m) == 0);
        send_record(&record);
}

static void report(const Toy *t, size_t i) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        char name = (char) ('a' + i), text[16];
        MsgAdminReport m = {.profile = span_make((const uint8_t *) &name, 1), .what = t->left_out[i] ? ADMIN_WHAT_FAILED : ADMIN_WHAT_LOADED};

        if (t->put_off[i])
                return;
        snprintf(text, sizeof(text), "profile %c", name);
        m.sentence = span_from_string(text);
        ASSERT(msg_admin_report_encode(&record, &m) == 0);
        send_record(&record);
}

static void send_watch(const char *folder) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const MsgWatch m = {.folder = span_from_string(folder), .name = SPAN_LITERAL("key")};

        ASSERT(msg_watch_encode(&record, &m) == 0);
        send_record(&record);
}

static void send_snapshot(const Toy *t) {
        _cleanup_(buf_done) Buf record = BUF_INIT(PROTO_RECORD_MAX);
        const uint8_t end = MSG_SNAPSHOT_END;

        ASSERT(msg_snapshot_encode(&record, &(MsgSnapshot) {.revision = t->load.revision}) == 0);
        send_record(&record);
        for (size_t i = 0; t->mode[i]; i++)
                publish(t, i);
        ASSERT(chan_send(ROLE_FD_CONTROL, span_make(&end, 1), deadline_after(DEADLINE_USEC)) == 0);
}

int main(int argc, char *argv[]) {
        Toy t = {};

        for (int i = 1; i < argc; i++)
                if (strncmp(argv[i], "--config-dir=", 13) == 0)
                        t.folder = argv[i] + 13;
        ASSERT(t.folder);

        read_mode(&t);
        read_request(&t);
        note(&t);
        send_watch(t.folder);
        for (size_t i = 0; t.mode[i]; i++)
                read_profile(&t, i);
        send_progress((Span) {});
        for (size_t i = 0; t.mode[i]; i++)
                report(&t, i);
        send_snapshot(&t);
        return 0;
}
